"""The fault run's own promises: no durable operation lacks a point, no repeat goes unseen."""
