"""Tests of what every service's door has."""
