"""A server becomes the first member of its replica set once, and is waited for until it takes writes."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import bson
import pytest

from deploy.embedded.settings import NodeError
from deploy.stores.replica import initiate

_OP_MSG = 2013
_HEADER = struct.Struct("<iiii")


@dataclass
class Server:
    """Speaks MongoDB's protocol, and answers as a member of a set does before and after it is made."""

    made: bool = False
    refused: int = 0
    elections: int = 2
    port: int = 0
    config: dict[str, Any] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it ends."""
        try:
            while True:
                length, request, _, _ = _HEADER.unpack(await reader.readexactly(_HEADER.size))
                body = await reader.readexactly(length - _HEADER.size)
                answer = bson.encode(self.answer(bson.decode(body[5:])))
                size = _HEADER.size + 5 + len(answer)
                writer.write(_HEADER.pack(size, 1, request, _OP_MSG) + bytes(5) + answer)
        except asyncio.IncompleteReadError:
            writer.close()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Answer one command."""
        match next(iter(asked)):
            case "hello" | "ismaster":
                return self._hello()
            case "replSetGetStatus" if self.made:
                return {"ok": 1, "set": "rs0"}
            case "replSetGetStatus":
                return {"ok": 0, "code": self.refused or 94, "errmsg": "no replset config"}
            case "replSetInitiate":
                self.made, self.config = True, asked["replSetInitiate"]
                return {"ok": 1}
            case _:
                return {"ok": 1}

    def _hello(self) -> dict[str, Any]:
        told = {"ok": 1, "maxWireVersion": 25, "minWireVersion": 0, "isWritablePrimary": False}
        if not self.made:
            return {**told, "isreplicaset": True}
        self.elections -= 1
        host = f"127.0.0.1:{self.port}"
        primary = {"primary": host, "isWritablePrimary": True} if self.elections < 0 else {}
        return {**told, "setName": "rs0", "hosts": [host], "secondary": not primary, **primary}


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[str]:
    """Run it, and tell its address."""
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield f"mongodb://127.0.0.1:{server.port}"


async def test_a_new_server_becomes_a_replica_set_of_the_addresss_hosts() -> None:
    """The set has the address's name and hosts, and is ready only with a primary."""
    server = Server()
    async with running(server) as uri:
        made = await initiate(f"{uri}/?replicaSet=rs0")

    assert made
    member = {"_id": 0, "host": f"127.0.0.1:{server.port}"}
    assert {"_id": "rs0", "members": [member]} == server.config
    assert server.elections < 0


async def test_a_replica_set_that_is_there_is_left_alone() -> None:
    """Whoever asks again changes nothing."""
    server = Server(made=True)
    async with running(server) as uri:
        made = await initiate(f"{uri}/?replicaSet=rs0")

    assert not made
    assert {} == server.config


async def test_a_set_without_a_primary_is_one_clear_line() -> None:
    """Nobody waits for ever."""
    async with running(Server(made=True, elections=10_000)) as uri:
        with pytest.raises(NodeError, match="the replica set rs0 has no primary"):
            await initiate(f"{uri}/?replicaSet=rs0", within=0.3)


async def test_what_a_server_refuses_is_one_clear_line() -> None:
    """A server that runs without --replSet says so."""
    async with running(Server(refused=76)) as uri:
        with pytest.raises(NodeError, match="the replica set cannot be made: no replset config"):
            await initiate(f"{uri}/?replicaSet=rs0")


async def test_an_address_without_a_set_is_one_clear_line() -> None:
    """There is nothing to make."""
    with pytest.raises(NodeError, match="names no replica set"):
        await initiate("mongodb://127.0.0.1:1")
