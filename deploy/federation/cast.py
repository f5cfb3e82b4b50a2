"""Who takes part in two provinces: nobody's name stands within another's, so that a trace has one meaning."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from deploy.demo.names import Civilian, Post, people

HOST_AGENCY, HOST_CITY, HOME_CITY = "35", "35.73", "62.71"
"""Jatim's training agency, the city that nominates its own, and Palangka Raya, which sends people."""
_OFFICES = (
    "Dinas Kesehatan", "Dinas Pendidikan", "Dinas Perhubungan", "Dinas Lingkungan Hidup",
    "Bappeda", "BKPSDM", "Inspektorat", "Sekretariat Daerah",
)  # fmt: skip
_PUBLIC = ("Dra. Sri Endang Wahyuni, M.Si.",)
"""Names that certificates show to everybody."""
_POOL = 6


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody by what they do; `own` and `guests` learn together."""

    own: Sequence[Civilian]
    guests: Sequence[Civilian]
    later: Sequence[Civilian]
    superiors: Sequence[Civilian]
    host_mentors: Sequence[Civilian]
    coaches: Sequence[Civilian]
    examiners: Sequence[Civilian]

    @property
    def hosts_people(self) -> list[Civilian]:
        """List whom the sending province has no business to know."""
        return [*self.own, *self.host_mentors, *self.coaches, *self.examiners]

    @property
    def homes_people(self) -> list[Civilian]:
        """List the sending province's own."""
        return [*self.guests, *self.later, *self.superiors]


def cast(own: int, guests: int) -> Cast:
    """Gather so many learners of the host's and of the guests' province; the same for the same numbers."""
    taken: list[str] = list(_PUBLIC)

    def some(count: int, seed: int, posts: Iterator[Post], agency: str) -> list[Civilian]:
        found = tellable(islice(people(seed, posts, agency=agency), count * _POOL + 40), taken)
        chosen = found[:count]
        taken.extend(each.name for each in chosen)
        return chosen

    return Cast(
        own=some(own, 107, _leaders(), HOST_CITY),
        guests=some(guests, 109, _leaders(), HOME_CITY),
        later=some(6, 111, _leaders(), HOME_CITY),
        superiors=some(2, 113, _superiors(), HOME_CITY),
        host_mentors=some(4, 127, _superiors(), HOST_CITY),
        coaches=some(2, 131, _trainers("Widyaiswara Ahli Madya"), HOST_AGENCY),
        examiners=some(2, 137, _trainers("Widyaiswara Ahli Utama"), HOST_AGENCY),
    )


def tellable(found: Iterator[Civilian], others: Sequence[str]) -> list[Civilian]:
    """Keep whose name neither holds nor is held by another's."""
    texts, kept = list(others), []
    for each in found:
        if not any(each.name in text or text in each.name for text in texts):
            kept.append(each)
            texts.append(each.name)
    return kept


def _leaders() -> Iterator[Post]:
    offices = cycle(_OFFICES)
    while True:
        yield Post("Kepala Bidang", "Administrator", next(offices))
        yield Post("Kepala Seksi", "Pengawas", next(offices))


def _superiors() -> Iterator[Post]:
    yield from (Post("Kepala", "JPT Pratama", office) for office in cycle(_OFFICES))


def _trainers(title: str) -> Iterator[Post]:
    yield from cycle([Post(title, "Fungsional", "BPSDM Provinsi Jawa Timur")])
