"""Lists in pages: ask again with `after` until `next` is null."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

T = TypeVar("T")
D = TypeVar("D")

After = Annotated[str, Query(max_length=200, description="Where the page before ended")]
Limit = Annotated[int, Query(ge=1, le=1000, description="Entries a page")]


class Page(BaseModel, Generic[T]):
    """One page of a list in id order."""

    items: list[T]
    next: str | None


def page(
    found: Sequence[D], limit: int, show: Callable[[D], T], key: Callable[[D], str]
) -> Page[T]:
    """Make a page of what was found with a limit one higher than asked."""
    shown = found[:limit]
    return Page(
        items=[show(each) for each in shown], next=key(shown[-1]) if len(found) > limit else None
    )
