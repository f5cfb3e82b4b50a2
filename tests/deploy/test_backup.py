"""A backup is a whole copy that is put back whole or refused; a restored store goes on in a new epoch."""

import errno
import json
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from deploy.embedded.settings import SERVICES, NodeError, NodeSettings
from deploy.stores.archive import Manifest, Reader, reading, writing
from deploy.stores.backup import back_up
from deploy.stores.restore import put_stores, restore
from shared.kernel.clock import SetClock
from shared.kernel.errors import Unavailable
from shared.kernel.ids import fresh
from shared.store.mongo import RESTORING, open_mongo

pytestmark = pytest.mark.real
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
FACT = {"id": "f-1", "seq": 1, "type": "x", "data": "{}"}
LEARNER = {
    "_id": "a", "version": 3, "seq": 2, "name": "Siti", "n": Int64(5), "at": NOON,
    "d": Decimal128("1.50"), "stated": [FACT, {**FACT, "id": "f-2", "seq": 2}], "outbox": [],
}  # fmt: skip


class Node:
    """Four databases of a node of its own, with one aggregate in enrolment's."""

    def __init__(self, uri: str, home: Path, node: str = "35") -> None:
        """Fill them."""
        name = f"t{fresh()[:8]}"
        databases = {f"{each.upper()}_MONGO_DATABASE": f"{name}_{each}" for each in SERVICES}
        told = {"CORPU_HOME": str(home), "CORPU_NODE": node, "MONGO_URI": uri, **databases}
        self.settings = NodeSettings.read(told)
        self.client: MongoClient[dict[str, Any]] = MongoClient(uri, tz_aware=True)
        self.databases = {each: self.client[f"{name}_{each}"] for each in SERVICES}
        (home / "keys").mkdir(parents=True, exist_ok=True)
        (home / "keys/pseudonym.hex").write_text("ab" * 32, encoding="ascii")
        for database in self.databases.values():
            database["meta"].insert_one({"_id": "epoch", "epoch": 1})
        self.databases["enrolment"]["learners"].insert_one(dict(LEARNER))

    @property
    def epochs(self) -> set[int]:
        """Tell the epochs of the four stores."""
        found = [each["meta"].find_one({"_id": "epoch"}) for each in self.databases.values()]
        return {each["epoch"] for each in found if each is not None}

    @property
    def learners(self) -> list[dict[str, Any]]:
        """Tell enrolment's learners."""
        return list(self.databases["enrolment"]["learners"].find().sort("_id"))

    def close(self) -> None:
        """Drop the databases."""
        for each in self.databases.values():
            self.client.drop_database(each.name)
        self.client.close()


@pytest.fixture
def node(mongo: str, tmp_path: Path) -> Iterator[Node]:
    """Give a node with something in its stores."""
    made = Node(mongo, tmp_path / "home")
    yield made
    made.close()


@pytest.fixture
def other(mongo: str, tmp_path: Path) -> Iterator[Node]:
    """Give another node."""
    made = Node(mongo, tmp_path / "other", node="62")
    yield made
    made.close()


async def test_what_was_there_comes_back_as_it_was(node: Node, tmp_path: Path) -> None:
    """Every value keeps its type, later work is gone, and all facts wait to be stated again."""
    taken = await back_up(node.settings, tmp_path, clock=SetClock(NOON))
    node.databases["enrolment"]["learners"].insert_one({"_id": "b", "version": 1})
    node.databases["enrolment"]["later"].insert_one({"_id": "c"})
    await restore(node.settings, taken.path, replace=True)
    waiting = [{"id": "f-1", "seq": 1}, {"id": "f-2", "seq": 2}]

    assert node.learners == [{**LEARNER, "outbox": waiting}]
    assert type(node.learners[0]["n"]) is Int64
    assert "later" not in node.databases["enrolment"].list_collection_names()


async def test_a_backup_is_one_file_for_its_owner_only(node: Node, tmp_path: Path) -> None:
    """In a folder it is named after node and time; nothing else is left there, and nothing is replaced."""
    folder = tmp_path / "backups"
    folder.mkdir()
    taken = await back_up(node.settings, folder, clock=SetClock(NOON))

    assert [each.name for each in folder.iterdir()] == ["corpu-35-20260302T120000Z.zip"]
    assert taken.path.stat().st_mode & 0o777 == 0o600
    assert taken.manifest.services["enrolment"].collections["learners"].documents == 1
    with pytest.raises(NodeError, match="is there already"):
        await back_up(node.settings, taken.path)
    assert [each.name for each in folder.iterdir()] == [taken.path.name]


async def test_keys_come_along_only_if_asked(node: Node, tmp_path: Path) -> None:
    """Without the word for it no key leaves the node; with it they come back where there are none."""
    without = await back_up(node.settings, tmp_path / "without.zip")
    taken = await back_up(node.settings, tmp_path / "with.zip", with_keys=True)
    shutil.rmtree(node.settings.home / "keys")

    assert b"ab" * 32 not in without.path.read_bytes()
    assert not [name for name in zipfile.ZipFile(without.path).namelist() if "keys/" in name]
    with pytest.raises(NodeError, match="not the one of this backup"):
        await restore(node.settings, taken.path, replace=True)
    with pytest.raises(NodeError, match="holds no keys"):
        await restore(node.settings, without.path, replace=True, with_keys=True)
    await restore(node.settings, taken.path, replace=True, with_keys=True)
    key = node.settings.home / "keys/pseudonym.hex"
    assert key.read_text(encoding="ascii") == "ab" * 32
    assert key.stat().st_mode & 0o777 == 0o600


async def test_keys_come_back_before_those_who_read_them_elsewhere_start(
    node: Node, tmp_path: Path
) -> None:
    """In containers the keys of the home are handed to services at their first start, into a volume of theirs."""
    taken = await back_up(node.settings, tmp_path / "b.zip", with_keys=True)
    shutil.rmtree(node.settings.home / "keys")
    handed = tmp_path / "volume/pseudonym.hex"
    environment = {**node.settings.environment, "CORPU_PSEUDONYM_KEY_FILE": str(handed)}
    settings = replace(node.settings, environment=environment)

    await restore(settings, taken.path, replace=True, with_keys=True)
    key = settings.home / "keys/pseudonym.hex"
    came = key.read_text(encoding="ascii")
    key.unlink()
    handed.parent.mkdir()
    handed.write_text("cd" * 32, encoding="ascii")
    with pytest.raises(NodeError, match="not the one of this backup"):
        await restore(settings, taken.path, replace=True, with_keys=True)

    assert ("ab" * 32, False) == (came, key.exists())


async def test_peers_come_along_wherever_their_file_lies(node: Node, tmp_path: Path) -> None:
    """In containers it lies among what services read; peers that are known by now stay as they are."""
    peers = tmp_path / "volume/peers.json"
    peers.parent.mkdir()
    peers.write_text("[1]", encoding="utf-8")
    environment = {**node.settings.environment, "CORPU_PEERS_FILE": str(peers)}
    settings = replace(node.settings, environment=environment)
    taken = await back_up(settings, tmp_path / "b.zip", with_keys=True)

    peers.write_text("[2]", encoding="utf-8")
    await restore(settings, taken.path, replace=True, with_keys=True)
    kept = peers.read_text(encoding="utf-8")
    peers.unlink()
    await restore(settings, taken.path, replace=True, with_keys=True)

    assert ("[2]", "[1]") == (kept, peers.read_text(encoding="utf-8"))


async def test_a_key_that_is_another_one_is_kept(node: Node, tmp_path: Path) -> None:
    """A restoration never writes over a key."""
    taken = await back_up(node.settings, tmp_path / "b.zip", with_keys=True)
    key = node.settings.home / "keys/pseudonym.hex"
    key.write_text("cd" * 32, encoding="ascii")

    with pytest.raises(NodeError, match="another key"):
        await restore(node.settings, taken.path, replace=True, with_keys=True)
    assert key.read_text(encoding="ascii") == "cd" * 32


async def test_a_store_that_is_not_empty_is_kept(node: Node, tmp_path: Path) -> None:
    """Only `replace` empties stores; what refuses changes nothing."""
    taken = await back_up(node.settings, tmp_path / "b.zip")
    node.databases["enrolment"]["learners"].insert_one({"_id": "b"})

    with pytest.raises(NodeError, match="not empty"):
        await restore(node.settings, taken.path)
    assert ["a", "b"] == [each["_id"] for each in node.learners]
    assert {1} == node.epochs


async def test_another_nodes_backup_is_refused(node: Node, other: Node, tmp_path: Path) -> None:
    """A node takes back its own stores only."""
    taken = await back_up(node.settings, tmp_path / "b.zip")

    with pytest.raises(NodeError, match="backup of node 35, and this node is 62"):
        await restore(other.settings, taken.path, replace=True)
    assert {1} == other.epochs


async def test_every_restoration_begins_an_epoch_that_never_was(node: Node, tmp_path: Path) -> None:
    """Even where the store forgot the last restoration, and where the clock stands still."""
    taken = await back_up(node.settings, tmp_path / "b.zip")
    first = await restore(node.settings, taken.path, replace=True, clock=SetClock(NOON))
    again = await restore(node.settings, taken.path, replace=True, clock=SetClock(NOON))

    assert int(NOON.timestamp()) == first.epoch
    assert {again.epoch} == node.epochs
    assert again.epoch > first.epoch


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("enrolment/learners.bson")
    content[member.header_offset + 60 + member.compress_size // 2] ^= 0x40
    path.write_bytes(bytes(content))


def _rewrite(path: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            changed = change(name, content)
            if changed is not None:
                archive.writestr(name, changed)


def _lose(path: Path) -> None:
    _rewrite(path, lambda name, content: None if "learners" in name else content)


def _swap(path: Path) -> None:
    _rewrite(path, lambda name, content: b"" if "learners" in name else content)


def _age(path: Path) -> None:
    def change(name: str, content: bytes) -> bytes:
        if name != "manifest.json":
            return content
        return json.dumps({**json.loads(content), "format": 2}).encode()

    _rewrite(path, change)


def _empty(path: Path) -> None:
    with zipfile.ZipFile(path, "w"):
        pass


def _write_text(path: Path) -> None:
    path.write_text("not a zip", encoding="ascii")


def _swell(path: Path) -> None:
    """Put far more into a collection than its manifest tells, and nearly nothing into the file."""
    _rewrite(path, lambda name, content: bytes(50_000_000) if "learners" in name else content)


def _misplace(path: Path) -> None:
    """Have the directory begin before the file does."""
    content = bytearray(path.read_bytes())
    end = content.rindex(b"PK\x05\x06")
    content[end + 16 : end + 20] = b"\xff\xff\xff\x7f"
    path.write_bytes(bytes(content))


def _misname(path: Path) -> None:
    """Mark a name as UTF-8 that is none."""
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 9] |= 0x08
    content[entry + 46] = 0xFF
    path.write_bytes(bytes(content))


def _squeeze(path: Path) -> None:
    """Say of a member that it was packed otherwise."""
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        content[content.index(mark) + place] = zipfile.ZIP_BZIP2
    path.write_bytes(bytes(content))


_DAMAGES = (
    _cut, _flip, _lose, _swap, _age, _empty, _write_text, _swell, _misplace, _misname, _squeeze,
)  # fmt: skip


@pytest.mark.parametrize("damage", _DAMAGES)
async def test_a_damaged_archive_changes_nothing(
    damage: Callable[[Path], None], node: Node, tmp_path: Path
) -> None:
    """Whatever became of the file, it is refused in one line before any store is touched."""
    taken = await back_up(node.settings, tmp_path / "b.zip")
    damage(taken.path)

    with pytest.raises(NodeError) as refused:
        await restore(node.settings, taken.path, replace=True)
    assert str(taken.path) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert [LEARNER] == node.learners
    assert {1} == node.epochs


@pytest.mark.parametrize("place", ["nowhere/b.zip", "/proc/b.zip"])
async def test_a_place_that_cannot_be_written_is_told_plainly(
    place: str, node: Node, tmp_path: Path
) -> None:
    """The line names the place that was asked for, and no draft that nobody knows of."""
    with pytest.raises(NodeError) as refused:
        await back_up(node.settings, tmp_path / place)

    assert "draft" not in str(refused.value)
    assert str((tmp_path / place).parent) in str(refused.value)


def test_a_full_disk_is_the_one_that_was_written_to(tmp_path: Path) -> None:
    """It is not the home's, and nothing of the backup stays."""
    with (
        pytest.raises(NodeError, match=f"^the disk that holds {tmp_path} is full"),
        writing(tmp_path / "b.zip"),
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert list(tmp_path.iterdir()) == []


async def test_a_file_that_is_not_there_is_told_plainly(node: Node, tmp_path: Path) -> None:
    """A wrong path is an OSError that names it."""
    with pytest.raises(FileNotFoundError):
        await restore(node.settings, tmp_path / "nowhere.zip")


@dataclass(frozen=True)
class FailingArchive:
    """A checked archive whose disk fails with the documents of progress."""

    whole: Reader

    @property
    def manifest(self) -> Manifest:
        """Tell what the whole one holds."""
        return self.whole.manifest

    def documents(self, service: str, collection: str) -> Iterator[RawBSONDocument]:
        """Read one collection's documents, or fail."""
        if service == "progress":
            raise OSError("the disk is gone")
        return self.whole.documents(service, collection)


async def test_a_restoration_that_breaks_off_leaves_no_store_that_opens(
    node: Node, tmp_path: Path, mongo: str
) -> None:
    """Until it has been done again, services wait instead of serving half a store."""
    taken = await back_up(node.settings, tmp_path / "b.zip")
    name = node.databases["enrolment"].name
    with reading(taken.path) as archive, pytest.raises(OSError, match="the disk is gone"):
        await put_stores(node.settings, FailingArchive(archive), replace=True, now=2)

    with pytest.raises(Unavailable, match="being restored"):
        async with open_mongo(mongo, name, []):
            pass
    await restore(node.settings, taken.path, replace=True)
    assert node.databases["enrolment"]["meta"].find_one({"_id": RESTORING}) is None
    async with open_mongo(mongo, name, []) as store:
        assert {store.epoch} == node.epochs


async def test_a_whole_archive_is_read_back(node: Node, tmp_path: Path) -> None:
    """An archive tells its time, its node and its documents."""
    taken = await back_up(node.settings, tmp_path / "b.zip", clock=SetClock(NOON))

    with reading(taken.path) as archive:
        assert archive.manifest == taken.manifest
        assert (archive.manifest.node, archive.manifest.taken_at) == ("35", NOON.isoformat())
        assert ["a"] == [each["_id"] for each in archive.documents("enrolment", "learners")]
