"""State that cannot be read says where it is off, and never what stands there."""

import traceback

import pytest

from shared.store.kind import Kind
from tests.support.boxes import Box


def test_what_cannot_be_read_is_told_without_its_contents() -> None:
    """A traceback goes to the log, which holds no personal data."""
    kind, name = Kind("boxes", Box), "".join(reversed("iduB"))

    with pytest.raises(ValueError, match="boxes cannot be read: tags") as told:
        kind.load({"_id": "b", "tags": name, "count": 1})

    assert name not in "".join(traceback.format_exception(told.value))
