"""One message at a time: each is loaded, changed and written by itself. What one-at-a-time peers share."""

from typing import Any

from pymongo import AsyncMongoClient, MongoClient, ReturnDocument, WriteConcern
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.database import Database

from tests.load.peers.certifying import Document, Told, certified, is_due, register_of
from tests.load.peers.process import Place

DURABLE = WriteConcern(w="majority", j=True)


def open_async(place: Place) -> tuple[AsyncMongoClient[Document], AsyncDatabase[Document]]:
    """Open the store with writes that hold."""
    client = AsyncMongoClient[Document](place.uri)
    return client, client.get_database(place.database, write_concern=DURABLE)


def open_plain(place: Place) -> tuple[MongoClient[Document], Database[Document]]:
    """Open the store with writes that hold."""
    client = MongoClient[Document](place.uri)
    return client, client.get_database(place.database, write_concern=DURABLE)


async def certify(store: AsyncDatabase[Document], told: Told) -> tuple[Document, bytes] | None:
    """Keep what was told; give the completion and the fact if it earned the certificate."""
    dossier: Document = await store.dossiers.find_one_and_update(*_keep(told), **_AFTER) or {}
    if not is_due(dossier):
        return None
    register = await store.registers.find_one_and_update(*_count(dossier), **_AFTER) or {}
    number = f"{register['_id']}/{register['last']:05d}"
    await store.dossiers.update_one({"_id": told.enrolment_id}, {"$set": {"number": number}})
    return dossier["completed"], certified(dossier["terms"], dossier["completed"], number)


def certify_now(store: Database[Document], told: Told) -> tuple[Document, bytes] | None:
    """Do the same without asyncio."""
    dossier: Document = store.dossiers.find_one_and_update(*_keep(told), **_AFTER) or {}
    if not is_due(dossier):
        return None
    register = store.registers.find_one_and_update(*_count(dossier), **_AFTER) or {}
    number = f"{register['_id']}/{register['last']:05d}"
    store.dossiers.update_one({"_id": told.enrolment_id}, {"$set": {"number": number}})
    return dossier["completed"], certified(dossier["terms"], dossier["completed"], number)


_AFTER: dict[str, Any] = {"upsert": True, "return_document": ReturnDocument.AFTER}


def _keep(told: Told) -> tuple[Document, Document]:
    return {"_id": told.enrolment_id}, {"$set": {told.field: told.kept}}


def _count(dossier: Document) -> tuple[Document, Document]:
    return {"_id": register_of(dossier["completed"])}, {"$inc": {"last": 1}}
