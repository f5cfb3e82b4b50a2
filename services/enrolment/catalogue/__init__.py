"""The shipped catalogue: example programmes and one real cohort, in the form that the API takes."""

import json
from importlib import resources
from typing import Final

from shared.kernel.errors import NotFound

_FILES: Final = {
    "PKA": "pka.json",
    "PKP": "pkp.json",
    "PKN-II": "pkn-ii.json",
    "mikro-keamanan-informasi": "mikro-keamanan-informasi.json",
    "kuliah-umum-transformasi-digital": "kuliah-umum-transformasi-digital.json",
}
_COHORT: Final = "cohort-pka-ii-malang-2024.json"


def entries() -> tuple[str, ...]:
    """List the codes of the shipped programmes."""
    return tuple(_FILES)


def entry(code: str) -> dict[str, object]:
    """Give a programme's body for PUT together with its `code` and `version`; raises NotFound."""
    if code not in _FILES:
        raise NotFound("unknown-catalogue-entry", "the catalogue has no programme of this code")
    return _read(_FILES[code])


def example_cohort() -> dict[str, object]:
    """Give the body for PUT of PKA II 2024 of Kota Malang together with its `id`."""
    return _read(_COHORT)


def _read(name: str) -> dict[str, object]:
    """Read a file without its `about`, which tells people where its contents come from."""
    text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    read: dict[str, object] = json.loads(text)
    read.pop("about", None)
    return read
