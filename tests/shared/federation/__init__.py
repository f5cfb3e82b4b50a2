"""Sharing between nodes."""
