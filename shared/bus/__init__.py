"""Subscriptions and how their messages are delivered, parked and retried; Kafka and its memory twin."""
