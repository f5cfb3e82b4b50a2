"""The file that a backup is: a zip of BSON collections, and a manifest that tells what is in it.

`enrolment/learners.bson` holds one collection's documents as they are, one after another, which is
how mongodump writes them too; `keys/…` holds the node's keys where these were asked for.
"""

import errno
import hashlib
import json
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

from bson import decode_file_iter
from bson.codec_options import CodecOptions
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.embedded.settings import NodeError

FORMAT = 1
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_MANIFEST = "manifest.json"
_LARGEST_MANIFEST = 10_000_000
_PIECE = 1 << 20
_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, UnicodeError, EOFError, InvalidBSON,
    NotImplementedError, RuntimeError,
)  # fmt: skip
# What the system says of a place that no file has, and a decompressor of its input.
_NOWHERE = (errno.EINVAL, None)

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,120}$")]
_Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Member(_Told):
    """One collection in the archive; `sha256` is of its BSON."""

    documents: int = Field(ge=0)
    size: int = Field(ge=0)
    sha256: _Digest


class Stored(_Told):
    """One service's store in the archive."""

    epoch: int = Field(ge=1)
    collections: dict[_Name, Member]


class Manifest(_Told):
    """What an archive holds, and of which node at what time.

    `one_moment` tells that all stores were read as they were at one moment; `pseudonym` is a
    fingerprint of the key from which learner ids are made.
    """

    format: int = FORMAT
    node: str
    taken_at: str
    one_moment: bool
    store_version: str
    pseudonym: str
    services: dict[_Name, Stored]
    keys: dict[_Name, _Digest] = Field(default_factory=dict)

    @property
    def documents(self) -> int:
        """Count the documents."""
        return sum(
            member.documents
            for stored in self.services.values()
            for member in stored.collections.values()
        )


@dataclass
class Writer:
    """Fills an archive."""

    _zip: zipfile.ZipFile
    written: dict[str, Member] = field(default_factory=dict)

    @contextmanager
    def collection(self, service: str, name: str) -> Iterator["Filling"]:
        """Open a collection to be filled; it is counted when the block ends."""
        with self._zip.open(f"{service}/{name}.bson", "w", force_zip64=True) as file:
            filling = Filling(file)
            yield filling
        self.written[f"{service}/{name}"] = filling.member

    def key(self, name: str, content: bytes) -> str:
        """Add a key file and tell its digest."""
        self._zip.writestr(f"keys/{name}", content)
        return hashlib.sha256(content).hexdigest()

    def close(self, manifest: Manifest) -> None:
        """Write the manifest, which comes last since it tells what was written."""
        self._zip.writestr(_MANIFEST, manifest.model_dump_json(indent=1))


class Filling:
    """One collection being written."""

    def __init__(self, file: IO[bytes]) -> None:
        """Write into this file."""
        self._file = file
        self._digest = hashlib.sha256()
        self._documents = self._size = 0

    def add(self, document: bytes) -> None:
        """Add one document's BSON."""
        self._file.write(document)
        self._digest.update(document)
        self._documents += 1
        self._size += len(document)

    @property
    def member(self) -> Member:
        """Tell what was written so far."""
        return Member(documents=self._documents, size=self._size, sha256=self._digest.hexdigest())


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Write an archive that appears whole or not at all, readable by its owner only."""
    if path.exists():
        raise NodeError(f"{path} is there already: a backup replaces nothing")
    if not path.parent.is_dir():
        raise NodeError(f"{path.parent} is no folder, so no backup can be written there")
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        file = os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")
    except OSError as refused:
        raise NodeError(f"{path} cannot be written: {refused.strerror}") from refused
    try:
        with file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
                yield Writer(archive)
            file.flush()
            os.fsync(file.fileno())
        # A link, since it fails where a rename would replace what came meanwhile.
        path.hardlink_to(draft)
    except OSError as refused:
        if refused.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise NodeError(f"the disk that holds {path.parent} is full: nothing was kept") from refused
    finally:
        with suppress(OSError):
            draft.unlink()


@dataclass(frozen=True)
class Reader:
    """A whole archive, checked."""

    manifest: Manifest
    _zip: zipfile.ZipFile

    def documents(self, service: str, collection: str) -> Iterator[RawBSONDocument]:
        """Read one collection's documents."""
        with self._zip.open(f"{service}/{collection}.bson") as file:
            yield from decode_file_iter(file, RAW)

    def key(self, name: str) -> bytes:
        """Read one key file."""
        return self._zip.read(f"keys/{name}")


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """Open an archive whose every byte is what was written; NodeError where it is not."""
    with _whole(path), ExitStack() as stack:
        with _placed(path):
            archive = stack.enter_context(zipfile.ZipFile(path))
            manifest = _checked(archive, path)
        yield Reader(manifest, archive)


def _checked(archive: zipfile.ZipFile, path: Path) -> Manifest:
    manifest = _manifest(archive, path)
    expected = _expected(manifest)
    found = sorted(archive.namelist())
    if found != sorted([*expected, _MANIFEST]):
        raise NodeError(f"{path} is damaged: it does not hold what its manifest tells")
    for name, size in _sizes(manifest).items():
        # Told before anything is unpacked, which may be far more than the file.
        if archive.getinfo(name).file_size != size:
            raise NodeError(f"{path} is damaged: {name} is not as large as what was written")
    for name, digest in expected.items():
        if _sha256(archive, name) != digest:
            raise NodeError(f"{path} is damaged: {name} is not what was written")
    return manifest


@contextmanager
def _whole(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as broken:
        said = (str(broken).splitlines() or [type(broken).__name__])[0]
        raise NodeError(f"{path} is damaged, or no backup: {said}") from broken


@contextmanager
def _placed(path: Path) -> Iterator[None]:
    """Take what the system says of places and bytes that the file does not have for damage of the file."""
    try:
        yield
    except OSError as refused:
        if refused.errno not in _NOWHERE:
            raise
        raise NodeError(f"{path} is damaged, or no backup: {refused}") from refused


def _manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    try:
        if archive.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
            raise NodeError(f"{path} is no backup of ours: its manifest is too large")
        told: Mapping[str, Any] = json.loads(archive.read(_MANIFEST))
        if told["format"] != FORMAT:
            raise NodeError(f"{path} has format {told['format']}, and this reads format {FORMAT}")
        return Manifest.model_validate(told)
    except (KeyError, TypeError, ValueError, ValidationError) as wrong:
        raise NodeError(f"{path} is damaged, or no backup: it has no manifest of ours") from wrong


def _expected(manifest: Manifest) -> dict[str, str]:
    """Tell the digest of each member but the manifest."""
    return {
        f"{service}/{name}.bson": member.sha256
        for service, stored in manifest.services.items()
        for name, member in stored.collections.items()
    } | {f"keys/{name}": digest for name, digest in manifest.keys.items()}


def _sizes(manifest: Manifest) -> dict[str, int]:
    return {
        f"{service}/{name}.bson": member.size
        for service, stored in manifest.services.items()
        for name, member in stored.collections.items()
    }


def _sha256(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()
