"""The doors to people: inbox, live stream, preferences, and what became of notices."""
