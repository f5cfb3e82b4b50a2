"""The bus on Kafka, by aiokafka (ADR 0003)."""

from shared.bus.kafka.bus import KafkaBus, open_kafka
from shared.bus.kafka.topics import Cluster

__all__ = ["Cluster", "KafkaBus", "open_kafka"]
