"""Notices, their wording and their letters: frozen values and pure decisions."""
