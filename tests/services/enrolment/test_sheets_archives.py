"""A file that is no sound workbook, or that would do harm, is refused."""

import io
import struct
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.enrolment.sheets import Sheet
from shared.kernel.errors import Invalid, Refusal, TooLarge
from tests.support.sheets import (
    MAIN,
    OFFICE,
    ROW,
    SHEET,
    answered,
    handmade,
    listed,
    only,
    packed,
    parts_of,
    refused,
    texts,
)

_SOUND = listed(ROW, ROW)


@pytest.mark.parametrize(
    "content",
    [
        b"NIP;Nama\n1;2\n",
        b"PK\x03\x04 and then nothing",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        packed({"a.txt": "a"}),
        packed({"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}),
        listed(ROW)[:-200],
        listed(ROW)[: len(listed(ROW)) // 2],
    ],
    ids=["text", "magic", "xls", "zip", "ods", "cut", "half"],
)
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    """Another kind of file, or half a workbook, is no workbook."""
    refusal = refused(content)

    assert isinstance(refusal, Invalid)
    assert refusal.slug == "not-a-workbook"


def test_a_workbook_with_a_password_is_refused() -> None:
    """An encrypted workbook says so, in either of its two forms."""
    wrapped = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le")
    content = bytearray(listed(ROW))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1

    assert refused(wrapped).slug == "encrypted-workbook"
    assert refused(bytes(content)).slug == "encrypted-workbook"


def test_a_zip_bomb_is_refused_by_what_it_declares() -> None:
    """A part packed a thousandfold is refused before it is unpacked."""
    parts = parts_of(listed(ROW))

    refusal = refused(packed({**parts, SHEET: b" " * 50_000_000}))

    assert isinstance(refusal, TooLarge)
    assert refusal.slug == "too-large-unpacked"


def test_many_parts_that_are_large_together_are_refused() -> None:
    """Parts that pass one by one are counted together."""
    noise = bytes(range(256)) * 4096
    parts = {f"xl/media/{number}.bin": noise for number in range(70)}

    assert refused(packed({**parts_of(listed(ROW)), **parts})).slug == "too-large-unpacked"


def test_more_parts_than_a_workbook_has_are_refused() -> None:
    """An archive of thousands of names is refused before its directory is read."""
    assert refused(packed({f"{number}": b"" for number in range(2000)})).slug == (
        "too-large-unpacked"
    )


def test_a_bomb_that_lies_about_its_size_is_refused() -> None:
    """A part that unpacks to more than it declares is cut off there, and is damaged."""
    content = bytearray(packed({**parts_of(listed(ROW)), SHEET: b"<a>" + b" " * 50_000_000}))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        info = archive.getinfo(SHEET)
    declared = struct.pack("<L", info.file_size)
    changed = bytes(content).replace(declared, struct.pack("<L", 1000))

    assert refused(changed).slug == "not-a-workbook"


def test_a_nested_archive_is_never_opened() -> None:
    """An archive within the workbook is as good as any other part that nobody reads."""
    bomb = packed({"inner": b"\0" * 10_000_000})

    assert only(packed({**parts_of(listed(ROW)), "xl/embeddings/a.zip": bomb})).errors == ()


def test_entities_are_refused() -> None:
    """A document type, which could declare entities, has no place in a workbook."""
    laughs = (
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
        f'<worksheet xmlns="{MAIN}"><sheetData>{texts("&b;")}</sheetData></worksheet>'
    )

    assert refused(handmade("", **{SHEET: laughs})).slug == "not-a-workbook"


@pytest.mark.parametrize(
    "sheet",
    [
        "",
        "<worksheet>",
        "<a/><b/>",
        '<?xml version="1.0" encoding="klingon"?><a/>',
        '<?xml version="1.0" encoding="utf-7"?><a/>',
        '<worksheet><sheetData><row r="9999999"/></sheetData></worksheet>',
        "\x00",
    ],
)
def test_broken_xml_is_refused(sheet: str) -> None:
    """A part that is no sound XML makes the workbook unreadable."""
    assert refused(handmade("", **{SHEET: sheet})).slug == "not-a-workbook"


def test_a_workbook_that_lacks_its_sheet_is_refused() -> None:
    """A part that is named and not there makes the workbook unreadable."""
    parts = parts_of(listed(ROW))
    del parts[SHEET]

    assert refused(packed(parts)).slug == "not-a-workbook"


def test_two_parts_of_one_name_are_refused() -> None:
    """Nobody guesses which of two parts another reader would take."""
    parts = parts_of(listed(ROW))

    assert refused(packed({**parts, SHEET.upper(): parts[SHEET]})).slug == "not-a-workbook"


def test_a_flood_of_elements_is_refused() -> None:
    """A part of millions of empty elements is given up."""
    parts = {**parts_of(handmade("")), "_rels/.rels": f"<a>{'<c/>' * 1_500_001}</a>".encode()}
    content = packed(parts, zipfile.ZIP_STORED)

    assert refused(content).slug == "too-large-unpacked"


def test_a_part_that_is_named_many_times_is_counted_each_time() -> None:
    """Unpacking one part again and again uses up the budget of all."""
    noise = "".join(f"<!-- {number * 7919:x} -->" for number in range(1_000_000))
    relations = "".join(
        f'<Relationship Id="s{number}" Type="{OFFICE}/sharedStrings" Target="strings.xml"/>'
        for number in range(10)
    )
    content = handmade(
        "",
        **{
            "xl/_rels/workbook.xml.rels": f'<a><Relationship Id="rId1" Type="{OFFICE}/worksheet" '
            f'Target="worksheets/sheet1.xml"/>{relations}</a>',
            "xl/strings.xml": f"<sst>{noise}</sst>",
        },
    )

    assert refused(content).slug == "too-large-unpacked"


def test_a_thicket_of_array_formulas_is_refused() -> None:
    """Formulas that each fill a great part of the sheet are given up."""
    formula = '<c><f t="array" ref="A1:Z9999">1</f></c>'

    assert refused(handmade(f"<row>{formula * 60}</row>")).slug == "too-large-unpacked"


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_an_odd_packing_is_refused(how: int) -> None:
    """A workbook is packed as workbooks are."""
    assert refused(packed(parts_of(listed(ROW)), how)).slug == "not-a-workbook"


@settings(deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.xlsx", "a.csv", "", "a.XLS\0", "x/../y.txt"]))
@example(b"PK\x05\x06" + b"\0" * 18, "a.xlsx")
@example(b'NIP,Nama,Jabatan,Eselon\n"', "a.csv")
def test_arbitrary_bytes_are_read_or_refused(content: bytes, filename: str) -> None:
    """Whatever is uploaded, the answer is a list or a refusal."""
    for start in (b"", b"PK\x03\x04", b"NIP,Nama,Jabatan,Eselon\n"):
        assert isinstance(answered(start + content, filename), Sheet | Refusal)


@settings(deadline=None)
@given(st.data())
def test_a_damaged_workbook_is_read_or_refused(data: st.DataObject) -> None:
    """Bytes that change within a workbook lead to a list or a refusal."""
    content = bytearray(_SOUND)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    assert isinstance(answered(bytes(content), "a.xlsx"), Sheet | Refusal)


@settings(deadline=None)
@given(
    st.text(st.characters(codec="utf-8"), max_size=200),
    st.sampled_from([SHEET, "xl/workbook.xml", "_rels/.rels"]),
)
def test_a_part_of_arbitrary_text_is_read_or_refused(text: str, part: str) -> None:
    """A part that holds anything leads to a list or a refusal."""
    xml = f"<worksheet><sheetData><row><c>{text}</c></row></sheetData></worksheet>"
    for content in (text, xml):
        assert isinstance(answered(handmade("", **{part: content}), "a.xlsx"), Sheet | Refusal)
