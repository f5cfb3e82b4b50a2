"""A token is believed only if the node's own issuer signed it for us, as an access token, and for now."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from shared.kernel.clock import SetClock
from shared.kernel.errors import Unauthenticated, Unavailable
from shared.store.scope import Scope
from shared.web.identity import FileKeys, Person, UrlKeys, Verifier, scope_of
from shared.web.service import keys_at
from tests.support.box_service import Served
from tests.support.serving import AUDIENCE, ISSUER, Issuer, clock

Json = dict[str, Any]


def _part(value: Json) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _claims(issuer: Issuer) -> Json:
    payload = issuer.token("organiser").split(".")[1]
    claims: Json = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def _signed(issuer: Issuer, key: Any, **header: object) -> str:  # noqa: ANN401 - any kind of key
    usual: Json = {"alg": "ES256", "kid": "test", "typ": "at+jwt"}
    given = {name: part for name, part in {**usual, **header}.items() if part is not None}
    return jwt.encode(given, _claims(issuer), key, algorithms=["ES256", "RS256"])


def _tampered(issuer: Issuer) -> str:
    head, payload, signature = issuer.token("learner").split(".")
    claims = {**_claims(issuer), "roles": ["operator"]}
    del payload
    return f"{head}.{_part(claims)}.{signature}"


def _unsigned(issuer: Issuer, algorithm: str) -> str:
    return f"{_part({'alg': algorithm, 'typ': 'at+jwt'})}.{_part(_claims(issuer))}."


def _confused(issuer: Issuer) -> str:
    """Sign with HS256, the issuer's public key as its secret."""
    signed = f"{_part({'alg': 'HS256', 'kid': 'test', 'typ': 'at+jwt'})}.{_part(_claims(issuer))}"
    digest = hmac.new(issuer.key.as_pem(private=False), signed.encode(), "sha256").digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _critical(issuer: Issuer) -> str:
    """Sign soundly, but with a header that must be understood and is not."""
    header = {"alg": "ES256", "kid": "test", "typ": "at+jwt", "crit": ["moon"], "moon": "full"}
    signed = f"{_part(header)}.{_part(_claims(issuer))}"
    private = issuer.key.private_key
    assert private is not None
    der = private.sign(signed.encode(), ECDSA(SHA256()))
    raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
    return f"{signed}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"


STRANGER = ECKey.generate_key("P-256", {"kid": "stranger", "use": "sig", "alg": "ES256"})
SAME_KID = ECKey.generate_key("P-256", {"kid": "test", "use": "sig", "alg": "ES256"})
FALSE_TOKENS: dict[str, Callable[[Issuer], str]] = {
    "no token at all": lambda _: "hello",
    "three empty parts": lambda _: "..",
    "other claims": _tampered,
    "unsigned": lambda issuer: _unsigned(issuer, "none"),
    "unsigned, said otherwise": lambda issuer: _unsigned(issuer, "None"),
    "a signature cut off": lambda issuer: issuer.token("organiser").rpartition(".")[0] + ".",
    "another's key": lambda issuer: _signed(issuer, STRANGER, kid="stranger"),
    "another's key under our kid": lambda issuer: _signed(issuer, SAME_KID),
    "another's key without kid": lambda issuer: _signed(issuer, STRANGER, kid=None),
    "another's key, sent along": lambda issuer: _signed(
        issuer, STRANGER, kid="stranger", jwk=STRANGER.as_dict(private=False)
    ),
    "another's key, to be fetched": lambda issuer: _signed(
        issuer, STRANGER, kid="stranger", jku="https://evil.example/keys.json"
    ),
    "a certificate, to be fetched": lambda issuer: _signed(
        issuer, STRANGER, kid="stranger", x5u="https://evil.example/cert.pem"
    ),
    "the public key as a secret": _confused,
    "another family": lambda issuer: _signed(
        issuer, RSAKey.generate_key(2048, {"kid": "test"}), alg="RS256"
    ),
    "an id token": lambda issuer: _signed(issuer, issuer.key, typ="JWT"),
    "no type": lambda issuer: _signed(issuer, issuer.key, typ=None),
    "a critical header unknown to us": _critical,
    "expired": lambda issuer: issuer.token("organiser", exp=1_000_000_000),
    "just expired": lambda issuer: issuer.token("organiser", exp=int(clock().now().timestamp())),
    "without end": lambda issuer: issuer.token("organiser", exp=None),
    "an end that is no number": lambda issuer: issuer.token("organiser", exp="tomorrow"),
    "not yet valid": lambda issuer: issuer.token("organiser", nbf=4_000_000_000),
    "another issuer": lambda issuer: issuer.token("organiser", iss="https://evil.example"),
    "no issuer": lambda issuer: issuer.token("organiser", iss=None),
    "another audience": lambda issuer: issuer.token("organiser", aud="shop"),
    "other audiences": lambda issuer: issuer.token("organiser", aud=["shop", "bank"]),
    "no audience": lambda issuer: issuer.token("organiser", aud=None),
    "no subject": lambda issuer: issuer.token("organiser", sub=None),
    "no node": lambda issuer: issuer.token("organiser", node=None),
    "roles that are no list": lambda issuer: issuer.token(roles="organiser"),
    "roles that are no words": lambda issuer: issuer.token(roles=[{"organiser": True}]),
    "an empty agency": lambda issuer: issuer.token("organiser", agency=""),
    "an empty learner": lambda issuer: issuer.token("learner", learner_id=""),
    "an empty subject": lambda issuer: issuer.token("organiser", sub=""),
    "an agency that is no text": lambda issuer: issuer.token("organiser", agency=["35.73"]),
}


@pytest.mark.parametrize("name", FALSE_TOKENS)
async def test_a_false_token_is_refused(service: Served, name: str) -> None:
    """Whatever is off, the answer is 401 as a problem, with a challenge, and tells nothing else."""
    answer = await service.ask("GET", "/boxes", token=FALSE_TOKENS[name](service.issuer))

    assert 401 == answer.status_code
    assert "Bearer" == answer.headers["www-authenticate"]
    assert answer.json()["type"].startswith("urn:corpu:problem:")


async def test_whoever_brings_no_token_is_refused(service: Served) -> None:
    """Neither nothing nor another scheme will do."""
    for headers in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Bearer"}):
        answer = await service.client.get("/boxes", headers=headers)

        assert (401, "urn:corpu:problem:no-token") == (answer.status_code, answer.json()["type"])


async def test_a_true_token_is_believed(service: Served) -> None:
    """Also with several audiences, and again while it is remembered."""
    token = service.issuer.token("organiser", aud=["shop", AUDIENCE])

    assert [200, 200] == [
        (await service.ask("GET", "/boxes", token=token)).status_code for _ in range(2)
    ]


async def test_a_remembered_token_expires_all_the_same(service: Served) -> None:
    """Being believed once does not outlast the token's own end."""
    ends = int((service.clock.now() + timedelta(minutes=2)).timestamp())
    token = service.issuer.token("organiser", exp=ends)
    first = await service.ask("GET", "/boxes", token=token)

    service.clock.advance(timedelta(minutes=2))
    second = await service.ask("GET", "/boxes", token=token)

    assert (200, 401) == (first.status_code, second.status_code)


async def test_the_wrong_role_is_forbidden(service: Served) -> None:
    """So are unknown roles, none, and any role but the learner's from another node."""
    answers = [
        await service.ask("GET", "/boxes", "learner"),
        await service.ask("GET", "/boxes", claims={"roles": []}),
        await service.ask("GET", "/boxes", "emperor"),
        await service.ask("GET", "/boxes", "organiser", claims={"node": "62"}),
    ]

    assert {(403, "urn:corpu:problem:role-missing")} == {
        (each.status_code, each.json()["type"]) for each in answers
    }


class TurningKeys:
    """Keys whose source holds other ones each time it is asked anew."""

    def __init__(self, *sets: KeySet) -> None:
        """Hold these, one after another."""
        self._sets = list(sets)
        self.asked = 0

    async def current(self, *, fresh: bool = False) -> KeySet:
        """Tell the keys."""
        if fresh:
            self.asked += 1
            self._sets = self._sets[1:] or self._sets
        return self._sets[0]


def _verifier(keys: Any, watch: SetClock) -> Verifier:  # noqa: ANN401 - any source of keys
    return Verifier(keys, watch, ISSUER, AUDIENCE, "ES256")


async def test_a_new_key_is_asked_for() -> None:
    """A token under a kid that is not known yet makes us ask the source once, and is then believed."""
    watch = clock()
    issuer, earlier = Issuer(watch), Issuer(watch)
    old = KeySet([ECKey.import_key({**earlier.key.as_dict(private=False), "kid": "old"})])
    keys = TurningKeys(old, await issuer.current())

    person = await _verifier(keys, watch).person(issuer.token("organiser"))

    assert ("somebody", 1) == (person.subject, keys.asked)


async def test_a_key_taken_back_stops_holding() -> None:
    """Within minutes a token that it signed is refused, though it was believed before."""
    watch = clock()
    issuer = Issuer(watch)
    keys = TurningKeys(await issuer.current(), KeySet([STRANGER]))
    verifier = _verifier(keys, watch)
    token = issuer.token("organiser")
    await verifier.person(token)
    await keys.current(fresh=True)

    watch.advance(timedelta(minutes=6))

    with pytest.raises(Unauthenticated):
        await verifier.person(token)


async def test_keys_in_a_file(tmp_path: Path) -> None:
    """They are read from the file that is named; one that is missing or broken is Unavailable."""
    issuer, path = Issuer(clock()), tmp_path / "jwks.json"
    keys = keys_at(str(path), clock())
    assert isinstance(keys, FileKeys)
    with pytest.raises(Unavailable):
        await keys.current()

    path.write_text("{", encoding="utf-8")
    with pytest.raises(Unavailable):
        await keys.current()

    path.write_text(json.dumps((await issuer.current()).as_dict()), encoding="utf-8")
    person = await _verifier(keys, clock()).person(issuer.token("learner"))
    assert frozenset({"learner"}) == person.roles


async def test_keys_at_an_address_that_does_not_answer() -> None:
    """They are Unavailable, which a caller may try again, and never a reason to believe."""
    keys = keys_at("http://127.0.0.1:9/jwks.json", clock())

    assert isinstance(keys, UrlKeys)
    with pytest.raises(Unavailable):
        await _verifier(keys, clock()).person(Issuer(clock()).token("learner"))


@pytest.mark.parametrize(
    ("roles", "claims", "expected"),
    [
        ({"organiser"}, {}, Scope(everything=True)),
        ({"organiser"}, {"agency": "35.73"}, Scope(host="35.73", reads="35.73")),
        (
            {"organiser", "nominator"},
            {"agency": "35.73"},
            Scope(agency="35.73", host="35.73", reads="35.73"),
        ),
        ({"auditor"}, {"agency": "35.73"}, Scope(agency="35.73")),
        ({"nominator"}, {"agency": "35.73"}, Scope(agency="35.73")),
        ({"nominator"}, {}, Scope()),
        ({"learner"}, {"learner_id": "l", "agency": "35.73"}, Scope(learner="l")),
        ({"coach"}, {"learner_id": "l"}, Scope(companion="l")),
        ({"mentor", "learner"}, {"learner_id": "l"}, Scope(learner="l", companion="l")),
        ({"learner"}, {"learner_id": "l", "node": "62"}, Scope(learner="l")),
        ({"learner", "organiser"}, {"learner_id": "l", "node": "62"}, Scope(learner="l")),
        (set(), {"learner_id": "l"}, Scope()),
    ],
)
def test_roles_give_their_scope(roles: set[str], claims: dict[str, str], expected: Scope) -> None:
    """Only what the admitting roles reach; a person of another node reaches only themself."""
    person = Person("s", frozenset(roles), **{"node": "35", **claims})

    assert expected == scope_of(person, frozenset(roles), "35")
