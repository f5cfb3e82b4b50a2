"""Fills a node's stores to a size: what one learner left in them, again and again under other ids."""

from collections.abc import Iterator
from itertools import cycle
from typing import Any

from pymongo import MongoClient

from shared.kernel.ids import derived

Document = dict[str, Any]
_CHUNK = 500
_MODELS = 50
_PER_LEARNER = {
    "enrolment": ("learners", "enrolments"),
    "progress": ("records", "passports", "cards"),
    "certification": ("dossiers", "cards"),
    "notify": ("notices", "cards"),
}
_REFERENCES = ("learner_id", "enrolment_id")


def fill(uri: str, databases: dict[str, str], learners: int) -> int:
    """Store about what `learners` more enrolments would have left behind, and tell how many."""
    with MongoClient[Document](uri) as client:
        for service, collections in _PER_LEARNER.items():
            for name in collections:
                room = client[databases[service]][name]
                models = list(room.find({"outbox.id": {"$exists": False}}).limit(_MODELS))
                per_learner = max(
                    1, round(room.estimated_document_count() / _enrolments(client, databases))
                )
                copies = _copies(models, learners * per_learner)
                while batch := [
                    document for document, _ in zip(copies, range(_CHUNK), strict=False)
                ]:
                    room.insert_many(batch, ordered=False)
    return learners


def drop(uri: str, name: str) -> None:
    """Drop every database that a run of this name made in a store that may be shared."""
    with MongoClient[Document](uri) as client:
        for each in client.list_database_names():
            if each.startswith(f"{name}_"):
                client.drop_database(each)


def _enrolments(client: MongoClient[Document], databases: dict[str, str]) -> int:
    return max(1, client[databases["enrolment"]]["enrolments"].estimated_document_count())


def _copies(models: list[Document], count: int) -> Iterator[Document]:
    """Copy documents under ids of their own, without the facts, which would be stated a second time."""
    for number, model in zip(range(count), cycle(models), strict=False):
        changed = {
            name: derived("filling", model[name], number) for name in _REFERENCES if model.get(name)
        }
        yield {
            **model,
            **changed,
            "_id": derived("filling", model["_id"], number),
            "cohort_id": "filling",
            "outbox": [],
            "stated": [],
        }
