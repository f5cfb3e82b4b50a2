"""Tests of the store: one suite over MongoDB and its memory twin."""
