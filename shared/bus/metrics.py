"""What the bus's side of the spine measures."""

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("corpu_facts_handled", "Facts handled", ["subscription", "type"])
PARKED = Counter("corpu_facts_parked", "Messages parked", ["subscription", "reason"])
LAG = Gauge("corpu_consumer_lag", "Messages not yet read", ["subscription"])
SECONDS = Histogram(
    "corpu_handler_seconds", "Time that one batch of messages takes", ["subscription"]
)
FOLDED = Counter("corpu_fold_folded", "Single things folded, several in a record", ["subscription"])
CHANGED = Gauge("corpu_fold_changed", "Things changed and not flushed yet", ["subscription"])
FLUSH_SECONDS = Histogram(
    "corpu_fold_flush_seconds", "Time that one flush into the store takes", ["subscription"]
)
RESTARTS = Counter(
    "corpu_consumer_restarts", "Consumers ended because they stood still", ["subscription"]
)
