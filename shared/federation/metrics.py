"""What sharing measures."""

from prometheus_client import Counter, Gauge

ACCEPTED = Counter("corpu_copies_accepted", "Copies accepted from a peer", ["peer"])
REPEATED = Counter("corpu_copies_repeated", "Copies that had come before, ignored", ["peer"])
GAPS = Gauge("corpu_peer_gaps", "Aggregates of a peer's service with copies missing", ["source"])
DIFFERING = Gauge("corpu_peer_differing", "Buckets whose digest differs from a peer's", ["source"])
SILENT = Gauge(
    "corpu_peer_silent_seconds", "Since a peer's service last told its heads", ["source"]
)
ASKED = Counter("corpu_restatements_asked", "Restatements asked of a peer's service", ["source"])
ALARMS = Gauge("corpu_peer_alarm", "1 while a peer's topic is known to be made anew", ["source"])
