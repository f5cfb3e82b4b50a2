"""A learner: the card, numbers and agencies over time, dates claimed and certificates held."""

from services.enrolment.domain.learner.moving import move_in
from services.enrolment.domain.learner.reading import certified, collides
from services.enrolment.domain.learner.values import Card, Claim, Held, Since
from services.enrolment.domain.learner.whole import Learner

__all__ = ["Card", "Claim", "Held", "Learner", "Since", "certified", "collides", "move_in"]
