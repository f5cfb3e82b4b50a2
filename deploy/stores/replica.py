"""Makes a server the first member of its replica set, and waits until it takes writes."""

import asyncio
import time
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure, OperationFailure
from pymongo.uri_parser import parse_uri

from deploy.embedded.settings import NodeError
from deploy.stores.databases import connected, telling

_NOT_YET, _ALREADY = 94, 23
_PAUSE = 0.2


async def initiate(uri: str, password: str = "", *, within: float = 120.0) -> bool:
    """Initiate the replica set that an address names, where it is none yet, and tell whether that was so.

    Its members are the address's hosts. What runs already is only waited for: until a primary takes
    writes, or NodeError after `within` seconds.
    """
    told = parse_uri(uri)
    name = told["options"].get("replicaSet")
    if not name:
        raise NodeError("MONGO_URI names no replica set (…/?replicaSet=rs0): there is none to make")
    hosts = [f"{host}:{port}" for host, port in told["nodelist"]]
    ends = time.monotonic() + within
    with telling("the replica set cannot be made"):
        async with connected(hosts[0], directConnection=True, **_user(told, password)) as first:
            made = await _made(first, name, hosts, ends)
            while not (await first.admin.command("hello")).get("primary"):
                await _pause(ends, f"the replica set {name} has no primary")
    return made


async def _made(first: AsyncMongoClient[Any], name: str, hosts: list[str], ends: float) -> bool:
    members = [{"_id": number, "host": host} for number, host in enumerate(hosts)]
    while True:
        try:
            await first.admin.command("replSetGetStatus")
        except ConnectionFailure:
            await _pause(ends, f"no store answers at {hosts[0]}")
        except OperationFailure as refused:
            if refused.code != _NOT_YET:
                raise
            try:
                await first.admin.command("replSetInitiate", {"_id": name, "members": members})
            except OperationFailure as taken:
                if taken.code == _ALREADY:
                    return False
                raise
            return True
        else:
            return False


async def _pause(ends: float, why: str) -> None:
    if time.monotonic() > ends:
        raise NodeError(why)
    await asyncio.sleep(_PAUSE)


def _user(told: dict[str, Any], password: str) -> dict[str, Any]:
    """Tell who asks, as the address does; its TLS options go along."""
    options = {
        key: value for key, value in told["options"].items() if key.startswith(("tls", "auth"))
    }
    if told["username"]:
        options |= {"username": told["username"], "password": password or told["password"]}
    return options
