"""Certification's values and pure decisions."""
