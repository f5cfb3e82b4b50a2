"""Aggregates kept with the facts they state: MongoDB, its memory twin, and the batch unit of work."""
