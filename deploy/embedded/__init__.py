"""A whole node in one command, without Docker: one supervisor over broker, store and services."""
