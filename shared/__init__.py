"""The spine that every service stands on: kernel, facts, store, bus and web."""
