"""The archive of XML parts that a workbook is, opened within limits on what can grow."""

import io
import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import Final
from xml.parsers import expat

from services.enrolment.sheets.cells import not_a_workbook, too_large_unpacked
from shared.kernel.errors import Invalid

MOST_UNPACKED: Final = 64 * 1024 * 1024
MOST_PARTS: Final = 500
MOST_ELEMENTS: Final = 1_500_000
HIGHEST_RATIO: Final = 200
_RATIO_FROM = 1024 * 1024
_CHUNK = 64 * 1024
_RECORD = b"PK\x01\x02"
_ENCRYPTED = 0x1

Start = Callable[[str, dict[str, str]], None]
Told = Callable[[str], None]


class Package:
    """The parts of a workbook, unpacked in pieces and within one budget for all of them."""

    def __init__(self, content: bytes) -> None:
        # Counted before the directory is read, for each record would become an object.
        if content.count(_RECORD) > MOST_PARTS:
            raise too_large_unpacked(f"the workbook has more than {MOST_PARTS} parts")
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(content))
        except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as broken:
            raise not_a_workbook("the workbook is damaged") from broken
        infos = self._archive.infolist()
        for info in infos:
            _judge(info)
        if sum(info.file_size for info in infos) > MOST_UNPACKED:
            raise too_large_unpacked(f"the workbook unpacks to more than {MOST_UNPACKED} bytes")
        self._parts = {info.filename.lstrip("/").casefold(): info for info in infos}
        if len(self._parts) != len(infos):
            raise not_a_workbook("the workbook has two parts of one name")
        self._left = MOST_UNPACKED
        self._elements = MOST_ELEMENTS

    def chunks(self, part: str) -> Iterator[bytes]:
        """Unpack a part in pieces; nested archives are never looked into."""
        info = self._parts.get(part.casefold())
        if info is None:
            raise not_a_workbook("the workbook lacks a part that it names")
        try:
            with self._archive.open(info) as unpacked:
                while chunk := unpacked.read(_CHUNK):
                    self._left -= len(chunk)
                    if self._left < 0:
                        # One part may be named many times, so what it declares once is not enough.
                        raise too_large_unpacked("the workbook unpacks to more than it declares")
                    yield chunk
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError,
                RuntimeError, ValueError, OverflowError) as broken:  # fmt: skip
            raise not_a_workbook("the workbook is damaged") from broken

    def parse(self, part: str, start: Start, end: Told, text: Told) -> Iterator[None]:
        """Read a part as XML, pausing after each piece; refuses a document type, hence entities."""
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.CharacterDataHandler = text
        parser.EndElementHandler = lambda name: end(name.rpartition(":")[2])

        def counted(name: str, attributes: dict[str, str]) -> None:
            self._elements -= 1
            if self._elements < 0:
                raise too_large_unpacked("the workbook has too many elements")
            start(name.rpartition(":")[2], attributes)

        parser.StartElementHandler = counted
        try:
            for chunk in self.chunks(part):
                parser.Parse(chunk, False)  # noqa: FBT003 - expat takes it by place only
                yield
            parser.Parse(b"", True)  # noqa: FBT003 - expat takes it by place only
            yield
        except (expat.ExpatError, ValueError, LookupError) as broken:
            raise not_a_workbook("a part of the workbook is not sound XML") from broken

    def related(self, part: str, kind: str) -> dict[str, str]:
        """Tell the parts that a part is related to in this way, by the relation's id."""
        folder, name = posixpath.split(part)
        relations = posixpath.join(folder, "_rels", f"{name}.rels")
        found: dict[str, str] = {}
        if relations.casefold() not in self._parts:
            return found

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "Relationship" and attributes.get("Type", "").endswith(kind):
                target = posixpath.join("/", folder, attributes.get("Target", ""))
                found[attributes.get("Id", "")] = posixpath.normpath(target).lstrip("/")

        self.hear(relations, start)
        return found

    def hear(
        self, part: str, start: Start, end: Told | None = None, text: Told | None = None
    ) -> None:
        """Read a part as XML to its end."""
        for _ in self.parse(part, start, end or _ignore, text or _ignore):
            pass


def _judge(info: zipfile.ZipInfo) -> None:
    """Refuse a part that is encrypted, oddly packed, or packed more tightly than any real sheet."""
    if info.flag_bits & _ENCRYPTED:
        raise Invalid("encrypted-workbook", "the workbook has a password; save it without one")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise not_a_workbook("the workbook is packed in a way that workbooks are not")
    if info.file_size > max(_RATIO_FROM, info.compress_size * HIGHEST_RATIO):
        raise too_large_unpacked("a part of the workbook is packed too tightly to be real")


def _refuse_doctype(*_: object) -> None:
    raise not_a_workbook("the workbook declares a document type")


def _ignore(_: str) -> None:
    """Take no notice."""
