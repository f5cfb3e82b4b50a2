"""Builders and written fakes that tests share."""
