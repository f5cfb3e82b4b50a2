"""The HTTP door of progress: evidence, records, cohorts' progress, passports, recaps, live sessions and their page."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter

from services.progress.api import cohorts, evidence, live, passports, player, recaps, records

__all__ = ["routers"]


def routers(
    region: str, targets: Mapping[str, int], stream_hosts: Iterable[str]
) -> list[APIRouter]:
    """Make the routes of a node in this region, with these targets of training hours a year.

    `stream_hosts` are origins from which pages of live sessions may load besides their stream's own.
    """
    view = passports.View(region, targets)
    return [
        evidence.router,
        records.router,
        cohorts.router,
        passports.router_for(view),
        recaps.router_for(view),
        *live.ROUTERS,
        player.router_for(player.shown_of, stream_hosts),
    ]
