"""State that cannot be read says where it is off, and never what stands there."""

import traceback

import pytest

from shared.store.kind import Kind
from tests.support.boxes import BOXES, Box


def test_what_cannot_be_read_is_told_without_its_contents() -> None:
    """A traceback goes to the log, which holds no personal data."""
    kind = Kind("boxes", Box)

    with pytest.raises(ValueError, match="boxes cannot be read: tags") as told:
        kind.load({"_id": "b", "tags": "198001012005011001 Budi", "count": 1})

    assert "Budi" not in "".join(traceback.format_exception(told.value))
    assert BOXES.name == kind.name
