"""The topics of a node's Kafka cluster and who may do what there: one file, applied and verified (ADR-0010)."""
