"""Where registers, dossiers and cards are kept, and the views of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from services.certification.domain.cards import Card, Seal, unkept
from services.certification.domain.credential import Credential
from services.certification.domain.dossier import Dossier, Status
from services.certification.domain.register import ENTRIES_A_PAGE, Page, page_id
from services.certification.domain.verdict import is_draft
from shared.events.hosting import node_of
from shared.store.kind import Index, Kind, ScopeFields
from shared.store.work import Aggregates, Frame, UnitOfWork
from shared.store.works import Works

_CHUNK = 100
"""Keys asked for at once: the embedded store's cost of an `$in` list grows with its square."""

_PAGE_ROWS = "register/"
"""Before the id of a page in audit rows, which come last."""

_CREDENTIAL_ROWS = "credential/"
"""Before the id of another node's credential in audit rows, which come between the two."""

REGISTERS = Kind(
    "registers",
    Page,
    indexes=(
        Index(("entries.key",), unique=True),
        Index(("register", "full")),
        Index(("settled",)),
    ),
    scope=None,
    stage=0,
)
DOSSIERS = Kind(
    "dossiers",
    Dossier,
    indexes=(Index(("cohort_id", "_id")), Index(("learner_id",)), Index(("certificates.code",))),
    scope=ScopeFields(agency="agency", learner="learner_id", host="owner"),
)
CARDS = Kind("cards", Card, scope=ScopeFields(learner="_id"))
CREDENTIALS = Kind(
    "credentials",
    Credential,
    indexes=(Index(("learner_id", "_id")),),
    scope=ScopeFields(agency="agency", learner="learner_id"),
)
KINDS = (REGISTERS, DOSSIERS, CARDS, CREDENTIALS)


class Registers:
    """The registers' pages as one unit of work sees them."""

    def __init__(self, frame: Frame, pages: Aggregates[Page]) -> None:
        """Stand on the pages of a unit of work."""
        self._frame = frame
        self._pages = pages
        self._asked: set[str] = set()
        self._page_of: dict[str, str] = {}
        self._open: dict[str, int] = {}

    async def look_up(self, keys: Iterable[str]) -> None:
        """Find in few questions which of these keys hold a number, so that `holding` answers from memory."""
        asked = list(dict.fromkeys(keys))
        for start in range(0, len(asked), _CHUNK):
            chunk = asked[start : start + _CHUNK]
            where = {"entries.key": chunk[0] if len(chunk) == 1 else {"$in": chunk}}
            self._note(await self._pages.find(where))
        self._asked.update(asked)

    def _note(self, pages: Iterable[Page]) -> None:
        for page in pages:
            self._page_of.update((entry.key, page.id) for entry in page.entries)

    async def holding(self, key: str) -> tuple[str, str] | None:
        """Find the register and the number that a certificate holds already."""
        if key not in self._asked and key not in self._page_of:
            await self.look_up((key,))
        if key not in self._page_of:
            return None
        page = await self._pages.of(self._page_of[key])
        number = page.number_of(key)
        return (page.register, number) if number else None

    async def place(self, key: str) -> tuple[str, int] | None:
        """Find the page, by its id, and the place on it, from 0, of a certificate's number."""
        if await self.holding(key) is None:
            return None
        page = await self._pages.of(self._page_of[key])
        return page.id, next(n for n, entry in enumerate(page.entries) if entry.key == key)

    async def of(self, key: str) -> Page:
        """Load a page by its id."""
        return await self._pages.of(key)

    async def open_page(self, register: str) -> Page:
        """Load the first page of a register with room on it, or begin one."""
        if register in self._open:
            number = self._open[register]
            page = await self._pages.of(page_id(register, number))
        else:
            number = await self._first_with_room(register)
            page = await self._turn_to(register, number)
        while page.full:
            number += 1
            page = await self._turn_to(register, number)
        self._open[register] = number
        return page if page.page else page.opened(register, number)

    async def _turn_to(self, register: str, number: int) -> Page:
        page = await self._pages.of(page_id(register, number))
        self._note((page,))
        return page

    async def _first_with_room(self, register: str) -> int:
        found = await self._pages.find({"register": register, "full": False}, limit=1)
        if found:
            return found[0].page
        # The last page, not the one after it: another may have begun it since the question above.
        return max(await self._frame.store.count(REGISTERS, {"register": register}), 1)

    async def unsettled(self, limit: int) -> list[Page]:
        """Find pages with entries that are not known to stand in dossiers."""
        return await self._pages.find({"settled": False}, limit=limit)

    def keep(self, page: Page) -> None:
        """Keep a page's new state."""
        self._pages.keep(page)


class CertificationWork(UnitOfWork):
    """Registers, dossiers and cards, kept together; a register's page is written before the dossiers."""

    def __init__(self, frame: Frame, public_url: str = "", seal: Seal = unkept) -> None:
        """Begin with nothing loaded, at a node that verifies certificates at `public_url`/verify.

        `seal` encrypts what only the node itself may read again.
        """
        super().__init__(frame)
        self.registers = Registers(frame, self.aggregates(REGISTERS))
        self.dossiers = self.aggregates(DOSSIERS)
        self.cards = self.aggregates(CARDS)
        self.credentials = self.aggregates(CREDENTIALS)
        self.public_url = public_url
        self.seal = seal

    async def numbers_of(self, owners: Iterable[str]) -> set[str]:
        """Tell every number that these dossiers ever took, and read nothing else of them: they are many."""
        found = await self.frame.store.load(DOSSIERS, list(dict.fromkeys(owners)))
        took = [
            each.get(name, ()) for each in found.values() for name in ("certificates", "unused")
        ]
        return {str(part["number"]) for parts in took for part in parts}

    @property
    def node(self) -> str:
        """Tell this node's code."""
        return node_of(self.frame.source)

    @property
    def teller(self) -> str:
        """Tell the node that states the fact in hand, this one where a person asks."""
        return node_of(self.message.source if self.message else self.frame.source)


async def find_by_code(work: CertificationWork, code: str) -> Dossier | None:
    """Find the dossier in which a certificate has this verification code."""
    found = await work.dossiers.find({"certificates.code": code}, limit=1)
    return found[0] if found else None


async def find_certificates(
    work: CertificationWork,
    *,
    cohort: str | None,
    status: Status | None,
    review: bool,
    after: str,
    limit: int,
) -> list[Dossier]:
    """Find dossiers in scope, in id order: those that stand so or, where nothing is said, ever had a certificate."""
    where: dict[str, Any] = {"_id": {"$gt": after}}
    if cohort is not None:
        where["cohort_id"] = cohort
    if status is not None:
        where["status"] = status
    if review:
        where["review"] = {"$ne": ""}
    if status is None and not review:
        where["certificates.code"] = {"$exists": True}
    return await work.dossiers.find(where, limit=limit)


async def find_dossiers(work: CertificationWork, keys: Sequence[str]) -> dict[str, Dossier]:
    """Find those of many dossiers that are in scope."""
    found: dict[str, Dossier] = {}
    for start in range(0, len(keys), _CHUNK):
        chunk = list(dict.fromkeys(keys[start : start + _CHUNK]))
        found |= {each.id: each for each in await work.dossiers.find({"_id": {"$in": chunk}})}
    return found


async def find_credentials(
    work: CertificationWork, *, learner: str | None, after: str, limit: int
) -> list[Credential]:
    """Find credentials of other nodes in scope, in id order, of one learner or of all."""
    where: dict[str, Any] = {"_id": {"$gt": after}}
    if learner is not None:
        where["learner_id"] = learner
    return await work.credentials.find(where, limit=limit)


@dataclass(frozen=True)
class Numbered:
    """One entry of a register with its place in it."""

    serial: int
    key: str
    number: str


async def numbers_of(
    work: CertificationWork, register: str, after: int, limit: int
) -> list[Numbered]:
    """Find the next entries of a register after a serial."""
    first, last = after // ENTRIES_A_PAGE + 1, (after + limit) // ENTRIES_A_PAGE + 1
    numbers: list[Numbered] = []
    for number in range(first, last + 1):
        page = await work.registers.of(page_id(register, number))
        serial = (number - 1) * ENTRIES_A_PAGE
        numbers += [
            Numbered(serial + place, entry.key, entry.number)
            for place, entry in enumerate(page.entries, 1)
        ]
    return [each for each in numbers if each.serial > after][:limit]


async def audit_rows(
    works: Works[CertificationWork], after: str, limit: int
) -> list[dict[str, Any]]:
    """Tell the next dossiers, then credentials, then register pages, in words that an audit can compare."""
    work = works.open()
    rows: list[dict[str, Any]] = []
    if not after.startswith((_CREDENTIAL_ROWS, _PAGE_ROWS)):
        found = await work.dossiers.find({"_id": {"$gt": after}}, limit=limit)
        rows = [_audited(dossier) for dossier in found]
    if len(rows) < limit and not after.startswith(_PAGE_ROWS):
        last = after.removeprefix(_CREDENTIAL_ROWS) if after.startswith(_CREDENTIAL_ROWS) else ""
        held = await find_credentials(work, learner=None, after=last, limit=limit - len(rows))
        rows += [_held(credential) for credential in held]
    if len(rows) < limit:
        last = after.removeprefix(_PAGE_ROWS) if after.startswith(_PAGE_ROWS) else ""
        pages = await work.frame.store.find(
            REGISTERS, {"_id": {"$gt": last}}, limit=limit - len(rows)
        )
        rows += [{"id": _PAGE_ROWS + page["_id"], "entries": page["entries"]} for page in pages]
    return rows


def _audited(dossier: Dossier) -> dict[str, Any]:
    live, decision, terms = dossier.live, dossier.decision, dossier.known_terms
    return {
        "id": dossier.id,
        "learner_id": dossier.learner_id,
        "status": dossier.status,
        "issue": terms.rules.issue if terms else None,
        "outcome": decision.outcome if decision else None,
        "complete": bool(dossier.completions),
        "live": [live.number] if live else [],
        "drafts": [live.number] if live and terms and is_draft(terms, live) else [],
        "numbers": list(dossier.numbers),
        "unused": [each.number for each in dossier.unused],
        "review": dossier.review,
        "jp": live.certified.jp if live else 0,
    }


def _held(credential: Credential) -> dict[str, Any]:
    return {
        "id": _CREDENTIAL_ROWS + credential.id,
        "enrolment_id": credential.id,
        "learner_id": credential.learner_id,
        "node": credential.host_node,
        "numbers": [each.number for each in credential.revisions],
        "live": [credential.live.number] if credential.live else [],
    }
