"""Text as office programs write it is read, and what is no text is refused."""

import codecs

import pytest

from shared.kernel.errors import Invalid
from shared.kernel.text import decoded


@pytest.mark.parametrize(
    "content",
    [
        "Nürul".encode(),
        "Nürul".encode("utf-8-sig"),
        "Nürul".encode("utf-16"),
        codecs.BOM_UTF16_BE + "Nürul".encode("utf-16-be"),
        "Nürul".encode("windows-1252"),
    ],
)
def test_text_is_read_in_each_encoding_that_is_met(content: bytes) -> None:
    """A mark decides; without one it is UTF-8, or else Windows-1252."""
    assert decoded(content) == "Nürul"


@pytest.mark.parametrize(
    "content", [b"a\0b", b"\x81\x8d", codecs.BOM_UTF16_LE + b"a", b"\xef\xbb\xbf\xff"]
)
def test_what_is_no_text_is_refused(content: bytes) -> None:
    """Binary files and broken encodings are told as one problem."""
    with pytest.raises(Invalid, match="not text"):
        decoded(content)
