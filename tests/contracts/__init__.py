"""Tests of what the parts promise to each other and to others."""
