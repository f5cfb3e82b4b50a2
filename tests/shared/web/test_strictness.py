"""What a route does not know is refused, by name, and changes nothing."""

import pytest

from tests.support.box_service import Served

_FILE = {"file": ("box.png", b"abc")}


@pytest.mark.parametrize(
    ("query", "kind", "named", "known"),
    [
        ("agency=35.73", "unknown-parameter", "`agency`", "after, limit"),
        ("limit=2&Limit=3", "unknown-parameter", "`Limit`", "after, limit"),
        ("=1", "unknown-parameter", "``", "after, limit"),
        ("limit=1&limit=2", "repeated-parameter", "`limit`", ""),
        ("limit=2&limit=2", "repeated-parameter", "`limit`", ""),
        ("x" * 5_000 + "=1", "unknown-parameter", "x" * 100, "after, limit"),
        ("%ff%00=1", "unknown-parameter", "`\ufffd\0`", "after, limit"),
    ],
)
async def test_a_list_is_not_told_whole_to_who_misspells_its_filter(
    service: Served, query: str, kind: str, named: str, known: str
) -> None:
    """A parameter that is unknown, or said twice, is named shortly, and so are those that the route knows."""
    answer = await service.ask("GET", f"/boxes?{query}")
    told = answer.json()

    assert (422, f"urn:corpu:problem:{kind}") == (answer.status_code, told["type"])
    assert "application/problem+json" == answer.headers["content-type"]
    assert named in told["detail"]
    assert known in told["detail"]
    assert len(answer.content) < 1_000


async def test_known_parameters_are_taken_once_each(service: Served) -> None:
    """Whatever stands in them, nothing too."""
    for query in ("", "?", "?after=&limit=1", "?after=a%26limit%3D2"):
        assert 200 == (await service.ask("GET", f"/boxes{query}")).status_code


async def test_a_parameter_that_is_unknown_changes_nothing(service: Served) -> None:
    """With a key as without; the same request without it is then taken as new."""
    body, key = {"label": "a"}, {"Idempotency-Key": "k"}
    refused = [
        await service.ask("POST", "/boxes?dry_run=1", json=body, headers=headers)
        for headers in ({}, key)
    ]

    assert [(422, ["shelf"])] * 2 == [(each.status_code, each.json()["known"]) for each in refused]
    assert 0 == service.counts.made
    assert 201 == (await service.ask("POST", "/boxes", json=body, headers=key)).status_code


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ({"files": {**_FILE, "lid": ("lid.png", b"abc")}}, "unknown-part"),
        ({"files": _FILE, "data": {"label": "a"}}, "unknown-part"),
        ({"files": [("file", _FILE["file"]), ("file", _FILE["file"])]}, "repeated-part"),
    ],
)
async def test_a_part_of_a_form_that_is_unknown_is_refused(
    service: Served, sent: dict[str, object], kind: str
) -> None:
    """Or one that comes twice: what somebody sends is not left out in silence."""
    answer = await service.ask("POST", "/boxes/photo", **sent)

    assert (422, f"urn:corpu:problem:{kind}") == (answer.status_code, answer.json()["type"])
    assert 0 == service.counts.made


@pytest.mark.parametrize("body", [b'{"force": true}', b"[]", b"force", b"{"])
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/boxes/lid"), ("DELETE", "/operations/parked/p1")]
)
async def test_a_body_where_none_is_taken_is_refused(
    service: Served, method: str, path: str, body: bytes
) -> None:
    """Whoever sends one means something by it, and must not think that it was heard."""
    for key in ({}, {"Idempotency-Key": "k"}):
        answer = await service.ask(method, path, content=body, headers=key)

        assert (422, "urn:corpu:problem:unexpected-body") == (
            answer.status_code, answer.json()["type"],
        )  # fmt: skip
    assert 0 == service.counts.made


async def test_a_body_that_says_nothing_is_none(service: Served) -> None:
    """As clients send one that always send one."""
    for body in (b"", b" {}\n", b"null"):
        assert 204 == (await service.ask("POST", "/boxes/lid", content=body)).status_code


async def test_probes_and_metrics_answer_whatever_else_they_are_asked(service: Served) -> None:
    """A load balancer or a monitor adds parameters of its own, and must not take a node for a broken one."""
    for path in ("/livez", "/readyz", "/metrics"):
        assert 200 == (await service.client.get(f"{path}?source=lb&source=lb")).status_code
