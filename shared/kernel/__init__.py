"""Ids, clock, errors, fault points and tasks: the standard library only."""
