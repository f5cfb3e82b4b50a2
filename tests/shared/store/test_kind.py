"""How one kind of aggregate is read, and how it may not be made."""

import traceback
from dataclasses import dataclass

import pytest

from shared.store.kind import Kind
from tests.support.boxes import Box


def test_what_cannot_be_read_is_told_without_its_contents() -> None:
    """A traceback goes to the log, which holds no personal data."""
    kind, name = Kind("boxes", Box), "".join(reversed("iduB"))

    with pytest.raises(ValueError, match="boxes cannot be read: tags") as told:
        kind.load({"_id": "b", "tags": name, "count": 1})

    assert name not in "".join(traceback.format_exception(told.value))


def test_a_field_with_the_name_of_bookkeeping_is_refused() -> None:
    """Its value would be overwritten in the document, and come back as another."""

    @dataclass(frozen=True)
    class Course:
        id: str
        version: int = 0

    with pytest.raises(TypeError, match=r"^courses: version is the store's own$"):
        Kind("courses", Course)
