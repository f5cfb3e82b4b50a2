"""What the bus's side of the spine measures."""

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("corpu_facts_handled", "Facts handled", ["subscription", "type"])
PARKED = Counter("corpu_facts_parked", "Messages parked", ["subscription", "reason"])
LAG = Gauge("corpu_consumer_lag", "Messages not yet read", ["subscription"])
SECONDS = Histogram(
    "corpu_handler_seconds", "Time that one batch of messages takes", ["subscription"]
)
RESTARTS = Counter(
    "corpu_consumer_restarts", "Consumers ended because they stood still", ["subscription"]
)
