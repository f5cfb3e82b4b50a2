"""Waiting for conditions, never for time."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

_PATIENCE = 90.0
_POLL = 0.005


async def until(
    condition: Callable[[], Any], *, equals: object = True, within: float = _PATIENCE
) -> None:
    """Wait until a condition, sync or async, tells `equals`; AssertionError after `within` seconds."""
    told: object = None
    try:
        async with asyncio.timeout(within):
            while True:
                told = condition()
                if inspect.isawaitable(told):
                    told = await told
                if told == equals:
                    return
                await asyncio.sleep(_POLL)
    except TimeoutError:
        raise AssertionError(f"still {told!r} after {within} s instead of {equals!r}") from None
