"""How nodes share: signed and addressed copies, accepted, counted and repaired."""
