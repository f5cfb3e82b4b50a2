"""The catalogue of facts: what the services promise to tell each other."""
