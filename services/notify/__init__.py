"""notify owns notices, cards and preferences: each fact told to each person once.

It hears every fact that concerns a person, from enrolment, progress and certification, and cards.
It states nothing.
"""
