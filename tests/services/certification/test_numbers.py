"""No number is used twice and none is left out, whoever else is at work and whenever a work breaks off."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.certification.domain.register import ENTRIES_A_PAGE
from services.certification.handlers import certifying as handlers
from services.certification.store import KINDS, audit_rows
from shared.events.fact import Fact
from shared.kernel.errors import Unavailable
from shared.store.memory import MemoryStore
from shared.store.mongo import open_mongo
from shared.store.port import Change, Written
from tests.support.certification import (
    AUTOMATIC,
    CertificationNode,
    completed,
    decided,
    enrolled,
    plan,
    withdrawn,
)

Deed = Callable[[], Awaitable[object]]
NOW = datetime(2024, 7, 20, tzinfo=UTC)


class MeddledStore(MemoryStore):
    """A store in which somebody else acts, once, just before a kind is written."""

    def __init__(self) -> None:
        """Start with nobody meddling."""
        super().__init__()
        self.deeds: dict[str, Deed] = {}
        self.calls: Counter[str] = Counter()

    async def write(self, changes: Sequence[Change]) -> Written:
        """Let the other act first, if it is time."""
        self.calls["write"] += 1
        if deed := self.deeds.pop(changes[0].kind.name, None):
            await deed()
        return await super().write(changes)

    async def load(self, *args: object, **kwargs: object) -> dict[str, dict[str, object]]:
        """Count, and load."""
        self.calls["load"] += 1
        return await super().load(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are

    async def find(self, *args: object, **kwargs: object) -> list[dict[str, object]]:
        """Count, and find."""
        self.calls["find"] += 1
        return await super().find(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are


class BusyStore(MemoryStore):
    """A store at which every call waits as many turns as it was told, so that workers interleave."""

    def __init__(self, turns: Sequence[int]) -> None:
        """Wait these turns, again and again."""
        super().__init__()
        self._turns = turns
        self._calls = 0

    async def _wait(self) -> None:
        self._calls += 1
        for _ in range(self._turns[self._calls % len(self._turns)]):
            await asyncio.sleep(0)

    async def write(self, changes: Sequence[Change]) -> Written:
        """Wait, and write."""
        await self._wait()
        return await super().write(changes)

    async def load(self, *args: object, **kwargs: object) -> dict[str, dict[str, object]]:
        """Wait, and load."""
        await self._wait()
        return await super().load(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are

    async def find(self, *args: object, **kwargs: object) -> list[dict[str, object]]:
        """Wait, and find."""
        await self._wait()
        return await super().find(*args, **kwargs)  # type: ignore[arg-type]  # passed on as they are


def cohort(size: int, first: int = 0) -> list[list[Fact]]:
    """Tell the story of a cohort, whose facts come wave by wave."""
    keys = [f"e{number}" for number in range(first, first + size)]
    return [
        [enrolled(key) for key in keys],
        [completed(key) for key in keys],
        [decided(key) for key in keys],
    ]


async def gapless(node: CertificationNode) -> list[str]:
    """Check that the register has no gap and that each number stands in one dossier; tell the live ones."""
    rows = await audit_rows(node.works, "", 10_000)
    pages = [row for row in rows if row["id"].startswith("register/")]
    entries = [entry for page in pages for entry in page["entries"]]
    dossiers = [row for row in rows if not row["id"].startswith("register/")]
    held = Counter(chain.from_iterable(row["numbers"] for row in dossiers))
    serials = [f"35/PKA/2024/{serial:05d}" for serial in range(1, len(entries) + 1)]

    assert serials == [entry["number"] for entry in entries]
    assert Counter(serials) == held
    assert len({entry["key"] for entry in entries}) == len(entries)
    return [number for row in dossiers for number in row["live"]]


def shared(store: MemoryStore) -> tuple[CertificationNode, CertificationNode]:
    """Make two workers on one store, each of which hears for itself."""
    return CertificationNode(store), CertificationNode(store)


async def test_another_worker_takes_numbers_at_the_same_moment() -> None:
    """Whoever writes the page second counts on from what the first wrote."""
    store = MeddledStore()
    one, other = shared(store)
    for wave in (*cohort(5)[:2], *cohort(5, first=5)[:2]):
        await one.hear(*wave)
    store.deeds["registers"] = lambda: other.hear(*cohort(5, first=5)[2])
    await one.hear(*cohort(5)[2])

    assert len(await gapless(one)) == 10


async def test_another_worker_certifies_the_same_enrolments_at_the_same_moment() -> None:
    """After a rebalance two workers may hold the same facts; each enrolment gets one certificate."""
    store = MeddledStore()
    one, other = shared(store)
    first, second, third = cohort(5)
    await one.hear(*first, *second)
    store.deeds["registers"] = lambda: other.hear(*third)
    await one.hear(*third)

    assert len(await gapless(one)) == 5
    assert len(one.said()) + len(other.said()) == 5


async def test_another_worker_certifies_between_page_and_dossiers() -> None:
    """What stands on the page is used by whoever comes next."""
    store = MeddledStore()
    one, other = shared(store)
    first, second, third = cohort(5)
    await one.hear(*first, *second)
    store.deeds["dossiers"] = lambda: other.hear(*third)
    await one.hear(*third)

    assert len(await gapless(one)) == 5
    assert len(one.said()) + len(other.said()) == 5


async def gone() -> None:
    """Be away."""
    raise Unavailable("the store is away")


async def test_a_number_taken_before_a_crash_is_found_again() -> None:
    """The page was written and the dossiers were not; the facts come again."""
    store = MeddledStore()
    node = CertificationNode(store)
    first, second, third = cohort(5)
    await node.hear(*first, *second)
    store.deeds["dossiers"] = gone
    with pytest.raises(Unavailable):
        await node.hear(*third)
    before = await node.pages()
    await node.bus.settle(node.deliveries)

    assert before == await node.pages()
    assert len(await gapless(node)) == 5


async def test_a_batch_that_crosses_pages_is_found_again_page_by_page() -> None:
    """One page met somebody else's change, and the next one was written already."""
    store = MeddledStore()
    one, other = shared(store)
    await one.hear(*(enrolled(f"e{n}", plan=plan(AUTOMATIC)) for n in range(ENTRIES_A_PAGE + 10)))
    await one.hear(*(completed(f"e{n}") for n in range(ENTRIES_A_PAGE - 3)))
    rest = [completed(f"e{n}") for n in range(ENTRIES_A_PAGE - 3, ENTRIES_A_PAGE + 5)]
    store.deeds["registers"] = lambda: other.hear(completed(f"e{ENTRIES_A_PAGE + 7}"))
    await one.hear(*rest)
    sizes = [len(page["entries"]) for page in await one.pages()]

    assert sizes == [ENTRIES_A_PAGE, 6]
    assert len(await gapless(one)) == ENTRIES_A_PAGE + 6


async def look(node: CertificationNode, doubtful: set[str]) -> None:
    """Look once for numbers that no dossier accounts for."""
    await handlers.account_for_numbers(node.works, doubtful)


async def test_a_number_whose_learner_withdrew_meanwhile_is_accounted_for() -> None:
    """The page has it, the dossier is closed: after a second look it stands there as unused."""
    store = MeddledStore()
    one, other = shared(store)
    await one.hear(enrolled(), completed())
    store.deeds["dossiers"] = lambda: other.hear(withdrawn())
    await one.hear(decided())
    doubtful: set[str] = set()
    await look(one, doubtful)
    after_first = (await one.dossier()).unused
    await look(one, doubtful)
    await look(one, doubtful)

    assert after_first == ()
    assert [each.number for each in (await one.dossier()).unused] == ["35/PKA/2024/00001"]
    assert await gapless(one) == []
    assert doubtful == set()
    assert [page["settled"] for page in await one.pages()] == [True]


async def test_an_unused_number_is_never_used_later() -> None:
    """The next certificate is another revision with another number."""
    store = MeddledStore()
    one, other = shared(store)
    await one.hear(enrolled(), completed())
    store.deeds["dossiers"] = lambda: other.hear(decided(decision=2, outcome="deferred"))
    await one.hear(decided())
    doubtful: set[str] = set()
    await look(one, doubtful)
    await look(one, doubtful)
    await one.hear(decided(decision=3))
    (certificate,) = (await one.dossier()).certificates

    assert (certificate.revision, certificate.number) == (2, "35/PKA/2024/00002")
    assert len(await gapless(one)) == 1


async def test_a_number_is_used_when_its_turn_comes_after_all() -> None:
    """As long as nobody noted it as unused, the certificate that is due later takes it."""
    store = MeddledStore()
    one, other = shared(store)
    await one.hear(enrolled(), completed())
    store.deeds["dossiers"] = lambda: other.hear(decided(decision=2, outcome="deferred"))
    await one.hear(decided())
    await one.hear(decided(decision=3))

    assert await gapless(one) == ["35/PKA/2024/00001"]


async def test_a_number_of_another_year_stays_there_unused() -> None:
    """When the year has changed meanwhile, each year's register stays without a gap."""
    store = MeddledStore()
    one, other = shared(store)
    await one.hear(enrolled(), completed())
    deferred = decided(decision=2, outcome="deferred")
    store.deeds["dossiers"] = lambda: other.hear(deferred)
    await one.hear(decided())
    await one.hear(decided(decision=3, decided_on="2025-01-10"))
    dossier = await one.dossier()

    assert [each.number for each in dossier.unused] == ["35/PKA/2024/00001"]
    assert [each.number for each in dossier.certificates] == ["35/PKA/2025/00001"]


async def test_a_reissue_that_broke_off_is_accounted_for() -> None:
    """Nobody may come back to ask again."""
    store = MeddledStore()
    node = CertificationNode(store)
    for wave in cohort(1):
        await node.hear(*wave)
    store.deeds["dossiers"] = gone
    with pytest.raises(Unavailable):
        await node.works.run(lambda work: handlers.reissue("e0", "misspelt", NOW, work))
    doubtful: set[str] = set()
    await look(node, doubtful)
    await look(node, doubtful)
    dossier = await node.dossier("e0")

    assert [each.number for each in dossier.unused] == ["35/PKA/2024/00002"]
    assert len(await gapless(node)) == 1


async def test_a_doubt_that_was_resolved_meanwhile_costs_nothing() -> None:
    """The certificate came between two looks."""
    store = MeddledStore()
    node = CertificationNode(store)
    first, second, third = cohort(1)
    await node.hear(*first, *second)
    store.deeds["dossiers"] = gone
    with pytest.raises(Unavailable):
        await node.hear(*third)
    doubtful: set[str] = set()
    await look(node, doubtful)
    remembered = set(doubtful)
    await node.bus.settle(node.deliveries)
    await look(node, doubtful)

    assert remembered == {"e0.1"}
    assert doubtful == set()
    assert (await node.dossier("e0")).unused == ()


async def test_a_doubt_explained_elsewhere_is_left_alone() -> None:
    """Another process may have looked at the same moment."""
    store = MeddledStore()
    one, other = shared(store)
    await one.hear(enrolled(), completed())
    store.deeds["dossiers"] = lambda: other.hear(withdrawn())
    await one.hear(decided())
    mine: set[str] = set()
    theirs: set[str] = set()
    await look(one, mine)
    await look(other, theirs)
    store.deeds["dossiers"] = lambda: look(other, theirs)
    await look(one, mine)

    assert len((await one.dossier()).unused) == 1


async def test_a_batch_costs_a_handful_of_store_calls() -> None:
    """Five hundred certificates in one batch ask few questions and write twice."""
    store = MeddledStore()
    node = CertificationNode(store)
    first, second, third = cohort(500)
    await node.hear(*first, *second)
    store.calls.clear()
    await node.hear(*third)
    calls = Counter(store.calls)

    assert len(await gapless(node)) == 500
    # Keys are looked up a hundred at a time, then the open page is found; dossiers are loaded together, and the cards.
    assert calls == Counter(find=5 + 1, load=1 + 1 + 1, write=2)


@settings(max_examples=60, deadline=None)
@given(
    turns=st.lists(st.integers(0, 4), min_size=1, max_size=12),
    batches=st.tuples(st.integers(1, 12), st.integers(1, 12)),
)
async def test_two_workers_on_the_same_facts(turns: list[int], batches: tuple[int, int]) -> None:
    """However their calls interleave, each enrolment has one certificate and no number is lost."""
    one, other = shared(BusyStore(turns))
    first, second, third = cohort(8)
    await one.hear(*first, *second)
    await asyncio.gather(
        one.hear(*third, batch=batches[0]), other.hear(*reversed(third), batch=batches[1])
    )

    assert len(await gapless(one)) == 8
    assert len(one.said()) + len(other.said()) == 8


@pytest.mark.real
async def test_two_workers_on_a_real_store(mongo: str) -> None:
    """The unique index and the version guards do what their memory twins do."""
    async with open_mongo(mongo, "certification_numbers", KINDS) as store:
        for kind in KINDS:
            await store.remove(kind, {})
        one, other = CertificationNode(store), CertificationNode(store)
        first, second, third = cohort(40)
        await one.hear(*first, *second)
        await asyncio.gather(one.hear(*third, batch=7), other.hear(*reversed(third), batch=5))

        assert len(await gapless(one)) == 40
        assert len(one.said()) + len(other.said()) == 40
