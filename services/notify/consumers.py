"""What notify hears: every fact that concerns a person, and learners' cards."""

from services.notify.domain.notices import notice_id
from services.notify.domain.tellings import TELLINGS
from services.notify.handlers import keep_newest_card, tell_people
from services.notify.store import NotifyWork
from shared.bus.subscription import Subscription
from shared.events.enrolment import LearnerRecorded

SUBSCRIPTIONS: tuple[Subscription[NotifyWork], ...] = (
    Subscription(
        name="notify.tell-people",
        hears=dict.fromkeys(TELLINGS, tell_people),
        room=lambda work: work.notices,
        key=notice_id,
    ),
    Subscription(
        name="notify.keep-cards",
        hears={LearnerRecorded: keep_newest_card},
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
)
