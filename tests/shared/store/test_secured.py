"""A store with TLS and users, as a service meets it; the embedded store has both."""

import asyncio
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pymongo import MongoClient, WriteConcern

from deploy.embedded.parts import store as embedded_store
from deploy.embedded.settings import free_port
from deploy.topics.certificates import Authority
from shared.kernel.errors import Unavailable
from shared.store.kind import Document
from shared.store.mongo import MongoStore, open_mongo
from shared.store.port import Change
from tests.support.boxes import BOXES, KINDS
from tests.support.parts import Process, standing

# The driver leaves a socket to the collector when a server refuses it.
pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
_WORD = "hush-hush"
_QUICK = 5.0
"""Seconds: a handshake and the proof of a password must end within them on a slow machine too."""


@dataclass(frozen=True)
class Locked:
    """A store that asks for a user, by TLS."""

    port: int
    authority: Path

    def uri(self, user: str = "corpu", authority: Path | None = None) -> str:
        """Tell its address."""
        return (
            f"mongodb://{user}@127.0.0.1:{self.port}/?directConnection=true&authSource=admin"
            f"&tls=true&tlsCAFile={authority or self.authority}"
        )


async def _listens(host: str, port: int) -> bool:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    return True


@contextmanager
def _running(home: Path, port: int, more: Sequence[str]) -> Iterator[None]:
    part = embedded_store(home, port)
    yield from (
        None for _ in standing(Process(replace(part, argv=[*part.argv, *more], answers=_listens)))
    )


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect what the driver left, within the test that it belongs to."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """Give such a store with one user."""
    home = tmp_path_factory.mktemp("locked")
    for name in ("log", "store"):
        (home / name).mkdir()
    authority = Authority(home / "tls")
    own = authority.vouch("store")
    port = free_port()
    with _running(home, port, []), MongoClient[Document](f"mongodb://127.0.0.1:{port}") as client:
        client.admin.command(
            "createUser", "corpu", pwd=_WORD, roles=[{"role": "root", "db": "admin"}]
        )
        # What is journalled takes along what came before it, for the store is about to be killed.
        journalled = client.get_database("locked", write_concern=WriteConcern(j=True))
        journalled["first"].insert_one({})
    tls = ("--auth", f"--tls-cert-file={own.certificate}", f"--tls-key-file={own.key}")
    with _running(home, port, tls):
        yield Locked(port, authority.file)


async def test_a_service_works_by_tls_as_a_user_whose_password_stands_apart(locked: Locked) -> None:
    """The address tells authority and user, and the password comes beside it."""
    async with open_mongo(locked.uri(), "locked", KINDS, timeout=20.0, password=_WORD) as store:
        await store.write([Change(BOXES, "a", 0, {"count": 7})])

        assert 7 == (await store.load(BOXES, ["a"]))["a"]["count"]


async def test_whoever_opens_it_wrongly_is_told_what_is_wrong(
    locked: Locked, tmp_path: Path
) -> None:
    """A password and a certificate have words of their own; neither is a defect, for either may be mended."""
    foreign = Authority(tmp_path).file
    wrong = [
        (locked.uri(), "wrong", "the store refuses the user name or the password"),
        (locked.uri("nobody"), _WORD, "the store refuses the user name or the password"),
        (locked.uri(authority=foreign), _WORD, "the store is away (its certificate is not trusted)"),
    ]  # fmt: skip
    for uri, password, said in wrong:
        with pytest.raises(Unavailable) as refused:
            async with open_mongo(uri, "locked", KINDS, timeout=_QUICK, password=password):
                pass

        assert said == str(refused.value)


async def test_a_replica_set_is_asked_for_what_a_majority_holds(mongo: str) -> None:
    """What could be taken back when a primary falls is never read; the embedded store says it is a set too."""
    async with open_mongo(mongo, "locked", KINDS) as store:
        assert isinstance(store, MongoStore)
        assert "majority" == store._database.read_concern.level
        await store.write([Change(BOXES, "majority", 0, {"count": 1})])

        assert {"majority"} == (await store.load(BOXES, ["majority"])).keys()
        await store.remove(BOXES, {})
