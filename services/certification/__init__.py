"""certification owns registers of numbers and the dossiers in which an enrolment's certificates stand.

It hears enrolments, completed programmes, graduation decisions and learners' cards.
It states that certificates were issued, superseded and revoked.
"""
