"""What notify hears, here and from other nodes: every fact that concerns a person, and learners' cards."""

from services.notify.domain.notices import notice_id
from services.notify.domain.tellings import TELLINGS
from services.notify.handlers import (
    forget_erased_learner,
    keep_newest_card,
    know_learners,
    prepare_notices,
    tell_people,
    tell_what_hosts_tell,
)
from services.notify.store import NotifyWork
from shared.bus.subscription import Subscription
from shared.events.enrolment import LearnerErased, LearnerRecorded
from shared.federation.keys import Federation
from shared.federation.receiving import Incoming

SUBSCRIPTIONS: tuple[Subscription[NotifyWork], ...] = (
    Subscription(
        name="notify.tell-people",
        hears=dict.fromkeys(TELLINGS, tell_people),
        room=lambda work: work.notices,
        key=notice_id,
    ),
    Subscription(
        name="notify.keep-cards",
        hears={LearnerRecorded: keep_newest_card, LearnerErased: forget_erased_learner},
        room=lambda work: work.cards,
        key=lambda fact: fact.learner_id,
    ),
)


def incoming(_: Federation) -> Incoming[NotifyWork]:
    """Tell what is heard from other nodes."""
    hears = dict.fromkeys(TELLINGS, tell_what_hosts_tell)
    return Incoming(hears, know_learners, prepare_notices)
