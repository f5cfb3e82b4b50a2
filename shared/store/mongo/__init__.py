"""The store on MongoDB."""

from shared.store.mongo.opening import RESTORING, check_address, open_mongo
from shared.store.mongo.store import MongoStore

__all__ = ["RESTORING", "MongoStore", "check_address", "open_mongo"]
