"""Who asks: bearer JWTs (RFC 9068) verified against the configured keys, roles, and the scope they give."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, cast, get_args

import httpx2
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, Field, ValidationError

from shared.kernel.clock import Clock
from shared.kernel.errors import Forbidden, Unauthenticated, Unavailable
from shared.store.scope import Scope

Role = Literal[
    "learner", "mentor", "coach", "examiner", "nominator", "endorser", "organiser", "planner",
    "leadership", "operator", "talent-system", "auditor",
]  # fmt: skip
ROLES: tuple[Role, ...] = get_args(Role)
_WHOLE_NODE = frozenset(
    {"organiser", "planner", "leadership", "operator", "talent-system", "auditor"}
)
_AGENCY = frozenset({"nominator", "endorser"})
_COMPANION = frozenset({"mentor", "coach", "examiner"})
_KEYS_FOR = 300.0
_MEMORY = 10_000


@dataclass(frozen=True)
class Person:
    """Who a token speaks for; `agency` and `learner_id` where the person has them."""

    subject: str
    roles: frozenset[str]
    node: str
    agency: str | None = None
    learner_id: str | None = None


@dataclass(frozen=True)
class Access:
    """A person at one route: the roles that admitted them and the scope these give."""

    person: Person
    roles: frozenset[str]
    scope: Scope


class Keys(Protocol):
    """Where the issuer's public keys come from."""

    async def current(self, *, fresh: bool = False) -> KeySet:
        """Tell the keys; `fresh` asks the source again."""
        ...


class FileKeys:
    """Keys in a JWKS file."""

    def __init__(self, path: Path) -> None:
        """Read from this path."""
        self._path = path

    async def current(self, *, fresh: bool = False) -> KeySet:
        """Tell the keys; a missing or broken file is Unavailable."""
        del fresh
        try:
            return self.read()
        except (OSError, ValueError) as broken:
            raise Unavailable(f"no keys can be read from {self._path.name}") from broken

    def read(self) -> KeySet:
        """Tell the keys; ValueError where the file holds none, OSError where it cannot be read."""
        try:
            return _key_set(json.loads(self._path.read_text(encoding="utf-8")))
        except ValueError as broken:
            raise ValueError(f"{self._path} holds no keys (a JWKS)") from broken


def _key_set(told: Any) -> KeySet:  # noqa: ANN401 - any JSON
    """Read a JWKS of at least one key; ValueError for anything else."""
    try:
        found = KeySet.import_key_set(told)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as broken:
        raise ValueError("not a JWKS") from broken
    if not found.keys:
        raise ValueError("a JWKS without keys")
    return found


class UrlKeys:
    """Keys at an OIDC provider's JWKS address, kept for five minutes."""

    def __init__(self, url: str, clock: Clock) -> None:
        """Ask this address."""
        self._url = url
        self._clock = clock
        self._kept: KeySet | None = None
        self._asked = 0.0

    async def current(self, *, fresh: bool = False) -> KeySet:
        """Tell the keys; an address that does not answer is Unavailable."""
        now = self._clock.now().timestamp()
        # A stranger's `kid` may not make us ask the provider more than once a few seconds.
        stale = now - self._asked > (5 if fresh else _KEYS_FOR)
        if self._kept is None or stale:
            try:
                async with httpx2.AsyncClient(timeout=5) as client:
                    answer = (await client.get(self._url)).raise_for_status()
                self._kept = _key_set(answer.json())
            except (httpx2.HTTPError, ValueError) as away:
                raise Unavailable("the identity provider's keys cannot be fetched") from away
            self._asked = now
        return self._kept


@dataclass
class Verifier:
    """Turns a bearer token into a person, or refuses it."""

    keys: Keys
    clock: Clock
    issuer: str
    audience: str
    algorithm: str
    _known: dict[str, tuple[float, Person]] = field(default_factory=dict)

    async def person(self, token: str) -> Person:
        """Verify signature, `typ`, `iss`, `aud`, `exp` and `nbf`; anything off is Unauthenticated."""
        now = self.clock.now().timestamp()
        known = self._known.get(token)
        if known and now < known[0]:
            return known[1]
        claims = await self._claims(token)
        audiences = claims.get("aud")
        named = audiences if isinstance(audiences, list) else [audiences]
        if claims.get("iss") != self.issuer or self.audience not in named:
            raise Unauthenticated("wrong-audience", "this token was issued for somebody else")
        expires, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(expires, int | float) or now >= expires:
            raise Unauthenticated(
                "token-expired", "this token has expired or says not when it does"
            )
        if not isinstance(begins, int | float) or now + 5 < begins:
            raise Unauthenticated("token-not-yet-valid", "this token is not valid yet")
        person = _person(claims)
        if len(self._known) >= _MEMORY:
            self._known.clear()
        # Not for longer than the keys themselves, so that a key taken back stops holding.
        self._known[token] = (min(float(expires), now + _KEYS_FOR), person)
        return person

    async def _claims(self, token: str) -> dict[str, Any]:
        failure: Exception | None = None
        for fresh in (False, True):
            try:
                decoded = jwt.decode(
                    token, await self.keys.current(fresh=fresh), algorithms=[self.algorithm]
                )
            except (JoseError, ValueError, TypeError, KeyError) as broken:
                failure = broken
                continue
            if str(decoded.header.get("typ", "")).lower() not in {"at+jwt", "application/at+jwt"}:
                raise Unauthenticated("wrong-token-type", "this is not an access token")
            return decoded.claims
        raise Unauthenticated("invalid-token", "this token does not hold") from failure


_Said = Annotated[str, Field(min_length=1)]


class _Claims(BaseModel):
    """The claims that a token must carry beside the registered ones.

    None of them is empty: an agency that a provider has left blank would open the whole node.
    """

    sub: _Said
    node: _Said
    roles: list[str]
    agency: _Said | None = None
    learner_id: _Said | None = None


def _person(claims: dict[str, Any]) -> Person:
    try:
        told = _Claims.model_validate(claims, strict=True)
    except ValidationError as broken:
        raise Unauthenticated(
            "invalid-token", "this token lacks a claim, or has an empty one"
        ) from broken
    roles = frozenset(told.roles) & frozenset(ROLES)
    return Person(told.sub, roles, told.node, told.agency, told.learner_id)


def scope_of(person: Person, roles: frozenset[str], node: str) -> Scope:
    """Tell what these roles reach at a node; a person of another node reaches only themself here."""
    learner = person.learner_id if "learner" in roles else None
    if person.node != node:
        return Scope(learner=learner)
    organises = "organiser" in roles
    own = bool(roles & (_AGENCY | _WHOLE_NODE - {"organiser"}))
    return Scope(
        everything=bool(roles & _WHOLE_NODE) and person.agency is None,
        agency=person.agency if own else None,
        learner=learner,
        companion=person.learner_id if roles & _COMPANION else None,
        host=person.agency if organises else None,
        reads=person.agency if organises else None,
    )


_bearer = HTTPBearer(
    auto_error=False, description="An access token of the node's identity provider"
)


class Allow:
    """A route's policy: it admits persons with one of these roles, each in their own scope."""

    def __init__(self, *roles: Role, whole: bool = False) -> None:
        """Admit these roles; `whole` ones only from persons whom no agency binds."""
        self.roles = frozenset(roles)
        self.whole = whole

    async def __call__(
        self,
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> Access:
        """Admit the person, or refuse as Unauthenticated or Forbidden."""
        if given is None:
            raise Unauthenticated("no-token", "this needs a bearer token")
        person = await request.app.state.verifier.person(given.credentials)
        node: str = request.app.state.settings.node
        roles = person.roles & self.roles
        if person.node != node:
            roles &= {"learner"}
        if self.whole and person.agency is not None:
            raise Forbidden("whole-node-only", "this is about the whole node, not one agency of it")
        if not roles:
            raise Forbidden("role-missing", f"this is for: {', '.join(sorted(self.roles))}")
        return Access(person, roles, scope_of(person, roles, node))


def allow(*roles: Role, whole: bool = False) -> Any:  # noqa: ANN401 - FastAPI's own Depends is typed so
    """Declare whom a route admits, beside `Access` in the annotation of its parameter."""
    return Depends(Allow(*roles, whole=whole))


async def _anybody() -> None:
    """Admit anybody, without a token."""


def public() -> Any:  # noqa: ANN401 - FastAPI's own Depends is typed so
    """Declare a route public: `dependencies=[public()]`."""
    return Depends(_anybody)


def policy_of(dependant: Any) -> Allow | Callable[..., Any] | None:  # noqa: ANN401 - FastAPI's Dependant
    """Tell a route's policy: its Allow, the public marker, or None where none was declared."""
    for each in dependant.dependencies:
        if isinstance(each.call, Allow) or each.call is _anybody:
            return cast("Allow | Callable[..., Any]", each.call)
        if found := policy_of(each):
            return found
    return None
