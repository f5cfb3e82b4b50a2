"""Region codes of the Ministry of Home Affairs: `35` is a province, `35.73` a city in it."""

import csv
import re
from functools import cache
from importlib import resources

_REGION = re.compile(r"([0-9]{2})(?:\.(?!00)[0-9]{2})?")
_OFFICE = re.compile(r"[a-z0-9-]{1,40}")


def province_name(code: str) -> str | None:
    """Tell the name of the province that a region code lies in, None for no known region."""
    found = _REGION.fullmatch(code)
    return provinces().get(found[1]) if found else None


def is_region(code: str) -> bool:
    """Tell whether a code names a province, or has the form of a city or regency in a known one."""
    return province_name(code) is not None


def is_agency(code: str) -> bool:
    """Tell whether a code names a region, or an office in one: `35.73/dinas-kesehatan`."""
    region, slash, office = code.partition("/")
    return is_region(region) and (not slash or _OFFICE.fullmatch(office) is not None)


@cache
def provinces() -> dict[str, str]:
    """Tell the names of the 38 provinces by their codes."""
    text = resources.files(__package__).joinpath("provinces.csv").read_text(encoding="utf-8")
    return {row["code"]: row["name"] for row in csv.DictReader(text.splitlines())}
