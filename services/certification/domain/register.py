"""The register of numbers: pages of one node, programme and year to which entries are only ever added."""

from dataclasses import dataclass

from services.certification.domain.terms import Terms
from shared.kernel.values import replace

ENTRIES_A_PAGE = 500


def key_of(enrolment_id: str, revision: int) -> str:
    """Tell the key under which a certificate takes its number, once and for good."""
    return f"{enrolment_id}.{revision}"


def owner_of(key: str) -> tuple[str, int]:
    """Tell the enrolment and the revision that a key stands for."""
    enrolment_id, _, revision = key.rpartition(".")
    return enrolment_id, int(revision)


def register_of(terms: Terms, year: int) -> str:
    """Name the register that counts a year's certificates of a programme, e.g. `35/PKA/2024`."""
    return f"{terms.host_node}/{terms.programme.code}/{year}"


def page_id(register: str, page: int) -> str:
    """Name a page of a register, pages counted from 1."""
    return f"{register}/{page:06d}"


def spell(terms: Terms, year: int, serial: int) -> str:
    """Spell a number as the rules say; a serial has five digits or more."""
    return terms.rules.document.number_format.format(
        node=terms.host_node, programme=terms.programme.code, year=year, serial=f"{serial:05d}"
    )


@dataclass(frozen=True)
class Entry:
    """One number and the certificate that took it."""

    key: str
    number: str


@dataclass(frozen=True)
class Page:
    """One page of a register; `accounted` entries, from the first on, are known to stand in dossiers."""

    id: str
    register: str = ""
    page: int = 0
    full: bool = False
    entries: tuple[Entry, ...] = ()
    accounted: int = 0
    settled: bool = True

    def opened(self, register: str, page: int) -> "Page":
        """Give a new page its place in its register."""
        return replace(self, register=register, page=page)

    @property
    def next_serial(self) -> int:
        """Tell the serial that the next entry gets."""
        return (self.page - 1) * ENTRIES_A_PAGE + len(self.entries) + 1

    def add(self, key: str, number: str) -> "Page":
        """Write the next number down for a certificate."""
        entries = (*self.entries, Entry(key, number))
        return replace(self, entries=entries, full=len(entries) == ENTRIES_A_PAGE, settled=False)

    def number_of(self, key: str) -> str | None:
        """Tell the number that a certificate holds on this page."""
        return next((entry.number for entry in self.entries if entry.key == key), None)

    def account(self, accounted: int) -> "Page":
        """Note how many entries, from the first on, are known to stand in dossiers."""
        return replace(self, accounted=accounted, settled=accounted == len(self.entries))
