"""Owns programmes, cohorts, nominations, learners and enrolments.

Hears its own facts, the programmes that progress sees completed and the certificates issued.
States seats, enrolments, withdrawals, new dates, decisions, links, and the learners' cards.
"""
