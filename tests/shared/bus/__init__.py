"""Tests of the bus: one suite over Kafka and its memory twin."""
