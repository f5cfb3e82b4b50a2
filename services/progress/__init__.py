"""Owns each enrolment's record of phases and evidence, and every learner's passport with its JP.

Hears enrolments, decisions, certificates, learners' cards and, for the passport, its own facts.
States `phase_completed`, `programme_completed` and `phase_at_risk`.
"""
