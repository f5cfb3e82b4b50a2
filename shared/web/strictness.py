"""What a route takes: a parameter that it does not know, or one given twice, is refused and changes nothing."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

from fastapi import Depends, Request, params
from fastapi.dependencies.utils import get_flat_params

from shared.kernel.errors import Invalid

_LONGEST = 100
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_NOTHING = frozenset({b"", b"{}", b"null"})


async def _whatever() -> None:
    """Take any parameters."""


def lenient() -> Any:  # noqa: ANN401 - FastAPI's own Depends is typed so
    """Declare a route that answers whatever else its address carries, among its `dependencies`.

    That is for what people open from links, to which messengers add their own parameters, and for probes.
    """
    return Depends(_whatever)


async def only_known(request: Request) -> None:
    """Refuse what the matched route does not know, or takes once: parameters, parts of a form, a body."""
    route = request.scope["route"]
    dependant = route.dependant
    if any(each.call is _whatever for each in dependant.dependencies):
        return
    if request.scope["query_string"]:
        fields = get_flat_params(dependant)
        known = {each.alias for each in fields if isinstance(each.field_info, params.Query)}
        take_only([name for name, _ in request.query_params.multi_items()], known)
    if any(isinstance(each.field_info, params.Form) for each in dependant.body_params):
        # FastAPI has read it already, and gives it again.
        parts = [name for name, _ in (await request.form()).multi_items()]
        take_only(parts, {each.alias for each in dependant.body_params}, "part")
    # A body that a route reads by itself stands in its document.
    reads = route.body_field or "requestBody" in (route.openapi_extra or {})
    if request.method in _WRITES and not reads and (await request.body()).strip() not in _NOTHING:
        raise Invalid("unexpected-body", "no body is taken here: the address says it all")


def take_only(given: Iterable[str], known: Collection[str], kind: str = "parameter") -> None:
    """Raise Invalid, which names it, for a name that is not among the known ones or comes twice."""
    for name, times in Counter(given).items():
        if name not in known:
            takes = ", ".join(sorted(known)) or "none"
            detail = f"the {kind} `{name[:_LONGEST]}` is not known here; known are: {takes}"
            raise Invalid(f"unknown-{kind}", detail, {"known": sorted(known)})
        if times > 1:
            raise Invalid(f"repeated-{kind}", f"the {kind} `{name}` is given more than once")
