"""The audit names every disagreement between the four stores, and none where they agree."""

from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import httpx2
import pytest

from deploy.audit import Books, Disagreement, compare, quiet
from deploy.client import SERVICES, NodeClient

Row = dict[str, Any]
Rows = dict[str, list[Row]]
JP = 908
NUMBER = "00001/PKA/35/2024"


def enrolment(key: str, **changed: object) -> Row:
    """Make enrolment's row of a graduate."""
    usual: Row = {
        "id": key, "learner_id": f"learner-{key}", "cohort_id": "pka", "programme": "PKA.1",
        "issue": "after_decision", "status": "enrolled", "outcome": "graduated", "jp": JP,
    }  # fmt: skip
    return {**usual, **changed}


def record(key: str, **changed: object) -> Row:
    """Make progress's row of a graduate."""
    usual: Row = {
        "id": f"record/{key}", "enrolment_id": key, "learner_id": f"learner-{key}",
        "cohort_id": "pka", "status": "completed", "phases": 2, "of": 2, "jp": JP,
    }  # fmt: skip
    return {**usual, **changed}


def passport(key: str, **jp: int) -> Row:
    """Make progress's row of the passport of an enrolment's learner."""
    learner = f"learner-{key}"
    return {"id": f"passport/{learner}", "learner_id": learner, "jp_by_enrolment": jp or {key: JP}}


def dossier(key: str, number: str = NUMBER, **changed: object) -> Row:
    """Make certification's row of a graduate."""
    usual: Row = {
        "id": key, "learner_id": f"learner-{key}", "status": "certified", "issue": "after_decision",
        "outcome": "graduated", "complete": True, "live": [number], "numbers": [number],
        "unused": [], "review": "", "jp": JP,
    }  # fmt: skip
    return {**usual, **changed}


def page(*numbers: str, number: int = 1) -> Row:
    """Make certification's row of one page of a register."""
    entries = [{"key": f"{each}.1", "number": each} for each in numbers]
    return {"id": f"register/35/PKA/2024/{number:06d}", "entries": entries}


def notices(key: str, *kinds: str, number: str = NUMBER) -> list[Row]:
    """Make notify's rows about an enrolment."""
    told = (
        "enrolled",
        "phase_completed",
        "phase_completed",
        "programme_completed",
        "graduation_decided",
        "certified",
    )
    return [
        {
            "id": f"{key}-{place}-{kind}",
            "learner_id": f"learner-{key}",
            "type": kind,
            "enrolment_id": key,
            **({"subject_number": number} if kind.startswith("certifi") else {}),
        }
        for place, kind in enumerate(kinds or told)
    ]


def agreeing() -> Rows:
    """Make the rows of one graduate on whom all services agree."""
    return {
        "enrolment": [enrolment("a")],
        "progress": [passport("a"), record("a")],
        "certification": [dossier("a"), page(NUMBER)],
        "notify": notices("a"),
    }


def judged(rows: Rows) -> list[Disagreement]:
    """Compare rows as they come from the services."""
    books = Books()
    for service, told in rows.items():
        for row in told:
            books.enter(service, row)
    return compare(books)


def kinds(found: Iterable[Disagreement]) -> set[tuple[str, str]]:
    """Tell what was found, without its words."""
    return {(each.kind, each.subject) for each in found}


def test_stores_that_agree_have_no_disagreement() -> None:
    """One graduate with records, certificate, hours and notices is all in order."""
    assert judged(agreeing()) == []


def test_nothing_at_all_has_no_disagreement() -> None:
    """Four empty stores agree."""
    assert judged({}) == []


def test_the_books_tell_how_much_was_compared() -> None:
    """An audit that compared nothing can be told from one that found nothing."""
    books = Books()
    for service, told in agreeing().items():
        for row in told:
            books.enter(service, row)

    assert books.sizes == {
        "enrolments": 1, "records": 1, "passports": 1, "dossiers": 1, "numbers": 1, "notices": 6,
    }  # fmt: skip


def _with(service: str, place: int, **changed: object) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[service][place] |= changed

    return change


def _without(service: str, place: int) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        del rows[service][place]

    return change


def _and(service: str, *more: Row) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[service] += deepcopy(list(more))

    return change


def _untold(kind: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        first = next(row for row in rows["notify"] if row["type"] == kind)
        rows["notify"].remove(first)

    return change


PROVOKED: list[tuple[str, list[Callable[[Rows], None]], set[tuple[str, str]]]] = [
    ("an enrolment has no record", [_without("progress", 1)], {("enrolment-without-record", "a")}),
    (
        "a record has no enrolment",
        [_and("progress", record("b", status="open", phases=0, jp=0))],
        {("record-without-enrolment", "b")},
    ),
    (
        "enrolment says withdrawn and the others do not",
        [_with("enrolment", 0, status="withdrawn")],
        {("status-differs", "a"), ("certificate-of-withdrawn", "a"), ("fact-without-notice", "a")},
    ),
    (
        "progress says withdrawn and enrolment does not",
        [_with("progress", 1, status="withdrawn")],
        {("status-differs", "a")},
    ),
    (
        "progress names another learner",
        [_with("progress", 1, learner_id="x")],
        {("learner-id-differs", "a")},
    ),
    (
        "progress names another cohort",
        [_with("progress", 1, cohort_id="x")],
        {("cohort-id-differs", "a")},
    ),
    (
        "a record is completed without all phases",
        [_with("progress", 1, phases=1)],
        {("completed-without-phases", "a")},
    ),
    (
        "an enrolment has no dossier",
        [lambda rows: rows["certification"].clear(), _untold("certified")],
        {("enrolment-without-dossier", "a"), ("passport-without-certificate", "a")},
    ),
    (
        "a dossier has no enrolment",
        [_and("certification", dossier("b", live=[], numbers=[], status="open"))],
        {("dossier-without-enrolment", "b")},
    ),
    (
        "certification names another learner",
        [_with("certification", 0, learner_id="x")],
        {("learner-id-differs", "a")},
    ),
    (
        "certification heard another decision",
        [_with("certification", 0, outcome="deferred")],
        {("outcome-differs", "a")},
    ),
    (
        "certification has not heard of completion",
        [_with("certification", 0, complete=False)],
        {("completion-differs", "a")},
    ),
    (
        "a graduate has no live certificate",
        [_with("certification", 0, live=[], jp=0)],
        {("graduate-without-certificate", "a"), ("passport-without-certificate", "a")},
    ),
    (
        "who completed an automatic programme has no live certificate",
        [
            _with("enrolment", 0, issue="automatic", outcome=None),
            _with("certification", 0, outcome=None, live=[], review="no signatory"),
        ],
        {("graduate-without-certificate", "a"), ("passport-without-certificate", "a")},
    ),
    (
        "two certificates of one enrolment are live",
        [
            _with(
                "certification",
                0,
                live=[NUMBER, "00002/PKA/35/2024"],
                numbers=[NUMBER, "00002/PKA/35/2024"],
            ),
            lambda rows: rows["certification"].__setitem__(1, page(NUMBER, "00002/PKA/35/2024")),
            _and("notify", *notices("a", "certified", number="00002/PKA/35/2024")),
        ],
        {("two-live-certificates", "a")},
    ),
    (
        "a certificate is live under a number that was never taken",
        [_with("certification", 0, live=["00009/PKA/35/2024"])],
        {("live-certificate-unknown", "00009/PKA/35/2024")},
    ),
    (
        "a certificate is live though nobody decided",
        [_with("enrolment", 0, outcome=None), _with("certification", 0, outcome=None)],
        {("certificate-without-ground", "a")},
    ),
    (
        "an automatic certificate is live though nothing is completed",
        [
            _with("enrolment", 0, issue="automatic", outcome=None),
            _with("certification", 0, outcome=None),
            _with("progress", 1, status="open", phases=1),
        ],
        {("certificate-without-ground", "a")},
    ),
    (
        "a certificate has no number in the register",
        [_without("certification", 1)],
        {("certificate-not-in-register", NUMBER)},
    ),
    (
        "a number in the register has no certificate",
        [lambda rows: rows["certification"].__setitem__(1, page(NUMBER, "00002/PKA/35/2024"))],
        {("number-without-certificate", "00002/PKA/35/2024")},
    ),
    (
        "the register has a number twice",
        [lambda rows: rows["certification"].__setitem__(1, page(NUMBER, NUMBER))],
        {("number-used-twice", NUMBER), ("hole-in-register", "35/PKA/2024")},
    ),
    (
        "two enrolments share a number",
        [
            _and("enrolment", enrolment("b")),
            _and("progress", record("b"), passport("b")),
            _and("certification", dossier("b")),
            _and("notify", *notices("b")),
        ],
        {("number-used-twice", NUMBER)},
    ),
    (
        "a number is missing between two",
        [
            lambda rows: rows["certification"].__setitem__(1, page(NUMBER, "00003/PKA/35/2024")),
            _with(
                "certification",
                0,
                numbers=[NUMBER, "00003/PKA/35/2024"],
                unused=["00003/PKA/35/2024"],
            ),
        ],
        {("hole-in-register", "35/PKA/2024")},
    ),
    (
        "a whole page of the register is missing",
        [lambda rows: rows["certification"].__setitem__(1, page(NUMBER, number=2))],
        {("hole-in-register", "35/PKA/2024")},
    ),
    (
        "progress counts other hours than planned",
        [_with("progress", 1, jp=7)],
        {("jp-differs", "a")},
    ),
    (
        "a certificate tells other hours than planned",
        [_with("certification", 0, jp=7)],
        {("jp-differs", "a")},
    ),
    (
        "a passport counts other hours than certified",
        [_with("progress", 0, jp_by_enrolment={"a": 7})],
        {("jp-differs", "a")},
    ),
    (
        "a certificate stands in no passport",
        [_without("progress", 0)],
        {("certificate-not-in-passport", "a")},
    ),
    (
        "a passport lacks the certificate",
        [_with("progress", 0, jp_by_enrolment={})],
        {("certificate-not-in-passport", "a")},
    ),
    (
        "a passport counts an enrolment that nobody knows",
        [_with("progress", 0, jp_by_enrolment={"a": JP, "b": 20})],
        {("passport-without-certificate", "b")},
    ),
    *[
        (f"nobody was told {kind}", [_untold(kind)], {("fact-without-notice", "a")})
        for kind in ("enrolled", "phase_completed", "programme_completed", "graduation_decided")
    ],
    (
        "a certificate has no notice",
        [_untold("certified")],
        {("certificate-without-notice", NUMBER)},
    ),
    (
        "a certificate was told twice",
        [_and("notify", *notices("a", "certified"))],
        {("notice-repeated", NUMBER)},
    ),
    (
        "somebody was told of a certificate that nobody holds",
        [_and("notify", *notices("a", "certified", number="00007/PKA/35/2024"))],
        {("notice-without-fact", "00007/PKA/35/2024")},
    ),
    (
        "somebody was told of an enrolment that does not exist",
        [_and("notify", *notices("b", "enrolled"))],
        {("notice-without-fact", "b")},
    ),
    (
        "somebody was told that they left and did not",
        [_and("notify", *notices("a", "withdrawn"))],
        {("notice-without-fact", "a")},
    ),
]


@pytest.mark.parametrize(
    ("changes", "expected"), [pytest.param(*rest, id=name) for name, *rest in PROVOKED]
)
def test_each_disagreement_is_named(
    changes: list[Callable[[Rows], None]], expected: set[tuple[str, str]]
) -> None:
    """Each way in which stores can disagree is named with its subject, and nothing else is."""
    rows = agreeing()
    for change in changes:
        change(rows)

    assert kinds(judged(rows)) == expected


def test_who_left_needs_neither_certificate_nor_notice_of_completion() -> None:
    """A learner who withdrew in the first phase is in order with a withdrawn record."""
    rows: Rows = {
        "enrolment": [enrolment("a", status="withdrawn", outcome=None)],
        "progress": [record("a", status="withdrawn", phases=0, jp=0)],
        "certification": [
            dossier(
                "a", status="withdrawn", outcome=None, complete=False, live=[], numbers=[], jp=0
            )
        ],
        "notify": notices("a", "enrolled", "withdrawn"),
    }

    assert judged(rows) == []


def test_a_revoked_certificate_is_no_disagreement() -> None:
    """A graduate whose certificate was revoked has none, and the passport counts nothing."""
    rows = agreeing()
    rows["certification"][0] |= {"status": "revoked", "live": [], "jp": 0}
    rows["progress"][0]["jp_by_enrolment"] = {}

    assert judged(rows) == []


def test_a_superseded_certificate_keeps_its_number_and_its_notice() -> None:
    """After a supersession both numbers stand in the register, both were told, and one is live."""
    second = "00002/PKA/35/2024"
    rows = agreeing()
    rows["certification"] = [dossier("a", second, numbers=[NUMBER, second]), page(NUMBER, second)]
    rows["notify"] += notices("a", "certified", "certificate_superseded", number=second)

    assert judged(rows) == []


def test_a_number_taken_and_never_issued_is_no_disagreement() -> None:
    """A number that a dossier accounts for as unused needs no notice."""
    second = "00002/PKA/35/2024"
    rows = agreeing()
    rows["certification"] = [
        dossier("a", numbers=[NUMBER, second], unused=[second]),
        page(NUMBER, second),
    ]

    assert judged(rows) == []


def test_a_programme_taken_twice_counts_once() -> None:
    """A second certificate in one programme stands in no ledger, and that is no disagreement."""
    second = "00002/PKA/35/2024"
    rows = agreeing()
    learner = {"learner_id": "learner-a"}
    rows["enrolment"].append(enrolment("b", **learner))
    rows["progress"].append(record("b", **learner))
    rows["certification"] = [dossier("a"), dossier("b", second, **learner), page(NUMBER, second)]
    rows["notify"] += notices("b", number=second)

    assert judged(rows) == []
    assert judged({**rows, "progress": [*rows["progress"][1:], passport("a", x=0)]}) != []


def test_a_register_goes_on_over_its_pages() -> None:
    """Numbers count up by one from page to page, whatever stands around them."""
    rows = agreeing()
    rows["certification"] = [
        dossier("a", "35-2024-1", numbers=["35-2024-1", "35-2024-2"], unused=["35-2024-2"]),
        page("35-2024-1"),
        page("35-2024-2", number=2),
    ]
    rows["notify"] = notices("a", number="35-2024-1")

    assert judged(rows) == []


def test_a_disagreement_is_told_in_words() -> None:
    """A disagreement names its kind, its subject and what each side says."""
    rows = agreeing()
    rows["certification"][0]["jp"] = 7

    found = [each.as_json() for each in judged(rows)]

    assert {
        "kind": "jp-differs", "subject": "a", "detail": "enrolment says 908, certification says 7",
    } in found  # fmt: skip


class Stirring:
    """Four services of which one still has something to do, look after look."""

    def __init__(self, *lags: int, handled: Iterable[int] = ()) -> None:
        """Tell these lags in turn, the last one for ever, and so many facts handled."""
        self._lags = list(lags)
        self._handled = list(handled)
        self.looks = 0

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as a service does."""
        if request.url.path == "/metrics":
            count = self._handled.pop(0) if self._handled else 9
            line = f'corpu_facts_handled_total{{subscription="a",type="b"}} {count}.0\n'
            return httpx2.Response(
                200, text=f"# HELP\n{line}process_cpu_seconds_total {self.looks}\n"
            )
        self.looks += 1
        lag = self._lags.pop(0) if len(self._lags) > 1 else self._lags[0]
        return httpx2.Response(200, json={"unpublished": 0, "lag": {"a": lag}})

    def still(self, _: httpx2.Request) -> httpx2.Response:
        """Answer as a service does that rests."""
        return httpx2.Response(200, json={"unpublished": 0, "lag": {}})

    def client(self) -> NodeClient:
        """Make a client for the four of them."""
        doors = {"notify": httpx2.MockTransport(self.answer)}
        still = httpx2.MockTransport(self.still)
        return NodeClient(
            {name: f"http://{name}" for name in SERVICES},
            transports={name: doors.get(name, still) for name in SERVICES},
        )


async def test_quiet_is_what_several_looks_find_unchanged() -> None:
    """A lag that is 0 for one look between two hops is not taken for quiet."""
    stirring = Stirring(3, 0, 2, 0)

    async with stirring.client() as client:
        await quiet(client.speaking("token"), within=10, every=0.001)

    assert stirring.looks == 3 + 5


async def test_facts_that_go_by_unseen_are_not_quiet() -> None:
    """Though nothing lags at any look, counters that move tell that facts are on their way."""
    stirring = Stirring(0, handled=(1, 2, 3))

    async with stirring.client() as client:
        await quiet(client.speaking("token"), within=10, every=0.001)

    assert stirring.looks == 3 + 5


async def test_a_node_that_never_rests_is_told() -> None:
    """Waiting for quiet ends with words where a fact is on its way for ever."""
    async with Stirring(1).client() as client:
        with pytest.raises(TimeoutError, match="until no fact is on its way"):
            await quiet(client.speaking("token"), within=0.05, every=0.001)
