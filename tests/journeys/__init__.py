"""Whole journeys on the embedded parts."""
