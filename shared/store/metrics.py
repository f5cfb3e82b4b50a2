"""What the store's side of the spine measures."""

from prometheus_client import Counter, Gauge

STATED = Counter("corpu_facts_stated", "Facts stated with a change of their aggregate", ["type"])
OUTBOX_AGE = Gauge("corpu_outbox_age_seconds", "For how long the oldest stated fact waits to leave")
