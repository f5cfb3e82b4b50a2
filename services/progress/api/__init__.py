"""The HTTP door of progress: evidence, records, cohorts' progress, passports, recaps and live sessions."""

from collections.abc import Mapping

from fastapi import APIRouter

from services.progress.api import cohorts, evidence, live, passports, recaps, records

__all__ = ["routers"]


def routers(region: str, targets: Mapping[str, int]) -> list[APIRouter]:
    """Make the routes of a node in this region, with these targets of training hours a year."""
    view = passports.View(region, targets)
    return [
        evidence.router,
        records.router,
        cohorts.router,
        passports.router_for(view),
        recaps.router_for(view),
        *live.ROUTERS,
    ]
