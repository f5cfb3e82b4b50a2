"""Values that never change, made anew from one another; the rules of every service do little else."""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["replace"]

V = TypeVar("V")

if TYPE_CHECKING:
    # The type checker knows the fields of what this one makes.
    from dataclasses import replace
else:

    def replace(value: V, /, **changes: Any) -> V:  # noqa: ANN401 - of whatever types the fields are
        """Make a frozen dataclass anew with some fields changed, five times as fast as the library's own.

        Its `__init__` does not run again, so it must compute nothing. What has slots, or is named wrongly,
        is left to the library: TypeError names no field of it.
        """
        kind = type(value)
        if not hasattr(value, "__dict__") or not changes.keys() <= kind.__dataclass_fields__.keys():
            return dataclasses.replace(value, **changes)
        made = object.__new__(kind)
        made.__dict__.update(value.__dict__, **changes)
        return made
