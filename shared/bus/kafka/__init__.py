"""The bus on Kafka, by aiokafka (ADR 0003)."""

from shared.bus.kafka.bus import Cluster, KafkaBus, open_kafka

__all__ = ["Cluster", "KafkaBus", "open_kafka"]
