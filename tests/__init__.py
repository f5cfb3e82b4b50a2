"""Tests: what the node promises, stated as behaviour."""
