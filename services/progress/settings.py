"""What progress is told by its environment."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic_settings import NoDecode

from shared.web.settings import ServiceSettings


def _listed(given: object) -> object:
    """Read a list as people write it, with commas."""
    if not isinstance(given, str):
        return given
    return tuple(part for each in given.split(",") if (part := each.strip()))


_Origin = Annotated[str, StringConstraints(pattern=r"^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?$")]
Origins = Annotated[tuple[_Origin, ...], NoDecode, BeforeValidator(_listed)]
"""Where pieces of streams come from, such as `https://cdn.example.id`, with commas between."""

_Employment = Annotated[str, StringConstraints(pattern=r"^(PNS|PPPK)$")]
_HoursOfAYear = Annotated[int, Field(ge=0, le=8_760)]


class Settings(ServiceSettings):
    """The settings of progress; `jp_targets` are training hours a year by employment status."""

    port: int = Field(8102, alias="CORPU_PORT")
    jp_targets: dict[_Employment, _HoursOfAYear] = Field(
        {"PNS": 20, "PPPK": 20}, alias="CORPU_JP_TARGETS"
    )
    at_risk_days: int = Field(3, alias="CORPU_AT_RISK_DAYS", ge=1, le=60)
    at_risk_seconds: float = Field(900, alias="CORPU_AT_RISK_SECONDS", gt=0)
    live_late_seconds: float = Field(300, alias="CORPU_LIVE_LATE_SECONDS", ge=1, le=3_600)
    beats_linger_ms: float = Field(10, alias="CORPU_BEATS_LINGER_MS", ge=0, le=1_000)
    beats_waiting: int = Field(50_000, alias="CORPU_BEATS_WAITING", ge=1, le=1_000_000)
    flush_seconds: float = Field(5, alias="CORPU_FLUSH_SECONDS", ge=0.05, le=60)
    flush_learners: int = Field(100_000, alias="CORPU_FLUSH_LEARNERS", ge=100, le=5_000_000)
    live_seconds: float = Field(5, alias="CORPU_LIVE_SECONDS", gt=0, le=3_600)
    live_margin_seconds: float = Field(60, alias="CORPU_LIVE_MARGIN_SECONDS", ge=0, le=3_600)
    stream_hosts: Origins = Field((), alias="CORPU_STREAM_HOSTS")
    live_key_file: Path = Field(Path(".corpu/keys/live.hex"), alias="CORPU_LIVE_KEY_FILE")
