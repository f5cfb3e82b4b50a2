"""Frozen values and pure decisions: no clock, no ids made up, no I/O."""
