"""MongoDB and its memory twin keep the same promises."""

import asyncio
from typing import Any

import pytest

from shared.store.port import Change, Merge, Store, Written
from tests.support.boxes import BOXES, SHELVES, messages

_DOCUMENTS: dict[str, dict[str, Any]] = {
    "absent": {},
    "null": {"a": None},
    "int": {"a": 5},
    "float": {"a": 5.5},
    "one": {"a": 1},
    "true": {"a": True},
    "text": {"a": "x"},
    "array": {"a": [1, 5]},
    "empty": {"a": []},
    "nulls": {"a": [None]},
    "object": {"a": {"b": 1}},
    "null-inside": {"a": {"b": None}},
    "empty-object": {"a": {}},
    "objects": {"a": [{"b": 1}, {"b": 2}]},
    "some-objects": {"a": [{"b": 1}, {}]},
}

_NOT_OBJECTS = {"absent", "null", "int", "float", "one", "true", "text", "empty-object"}

_QUESTIONS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set(_DOCUMENTS)),
    ({"_id": "int"}, {"int"}),
    ({"a": 5}, {"int", "array"}),
    ({"a": 1}, {"one", "array"}),
    ({"a": True}, {"true"}),
    ({"a": "x"}, {"text"}),
    ({"a": []}, {"empty"}),
    ({"a": [1, 5]}, {"array"}),
    ({"a": {"b": 1}}, {"object", "objects", "some-objects"}),
    ({"a": None}, {"absent", "null", "nulls"}),
    ({"a": {"$ne": None}}, set(_DOCUMENTS) - {"absent", "null", "nulls"}),
    ({"a": {"$ne": 5}}, set(_DOCUMENTS) - {"int", "array"}),
    ({"a": {"$in": [5, "x"]}}, {"int", "array", "text"}),
    ({"a": {"$in": [None, 5.5]}}, {"absent", "null", "nulls", "float"}),
    ({"a": {"$in": []}}, set()),
    ({"a": {"$gt": 5}}, {"float"}),
    ({"a": {"$gte": 5}}, {"int", "float", "array"}),
    ({"a": {"$lt": 5.2}}, {"int", "one", "array"}),
    ({"a": {"$lte": 1.0}}, {"one", "array"}),
    ({"a": {"$gt": "a"}}, {"text"}),
    ({"a": {"$gt": 0, "$lt": 3}}, {"one", "array"}),
    ({"a": {"$exists": True}}, set(_DOCUMENTS) - {"absent"}),
    ({"a": {"$exists": False}}, {"absent"}),
    ({"a.b": 1}, {"object", "objects", "some-objects"}),
    ({"a.b": {"$gt": 1}}, {"objects"}),
    ({"a.b": None}, _NOT_OBJECTS | {"null-inside", "some-objects"}),
    ({"a.b": {"$ne": None}}, {"array", "empty", "nulls", "object", "objects"}),
    ({"a.b": {"$exists": True}}, {"object", "objects", "some-objects", "null-inside"}),
    ({"a.b": {"$exists": False}}, _NOT_OBJECTS | {"array", "empty", "nulls"}),
    ({"$or": [{"a": 5.5}, {"a": "x"}]}, {"float", "text"}),
    ({"$and": [{"a": {"$gt": 1}}, {"a": {"$lt": 5.2}}]}, {"int", "array"}),
    ({"$and": [{}, {"a": 5}]}, {"int", "array"}),
    ({"a": 5, "_id": "array"}, {"array"}),
]


async def _put(store: Store, documents: dict[str, dict[str, Any]]) -> None:
    await store.write([Change(BOXES, key, 0, fields) for key, fields in documents.items()])


@pytest.fixture
async def filled(store: Store) -> Store:
    """Give a store that holds a document of every shape."""
    await _put(store, _DOCUMENTS)
    return store


async def test_every_question_finds_the_same_documents(filled: Store) -> None:
    """Operators treat arrays, dotted paths, null and what is missing as MongoDB does."""
    found = [{each["_id"] for each in await filled.find(BOXES, where)} for where, _ in _QUESTIONS]

    assert [expected for _, expected in _QUESTIONS] == found


async def test_counting_agrees_with_finding(filled: Store) -> None:
    """A question has as many documents as it finds."""
    counted = [await filled.count(BOXES, where) for where, _ in _QUESTIONS]

    assert [len(expected) for _, expected in _QUESTIONS] == counted


async def test_loads_what_there_is_by_id(filled: Store) -> None:
    """Unknown ids are absent, more ids than one question takes are asked in parts, and none finds none."""
    many = ["int", "unknown", "text", *(f"nobody-{number}" for number in range(250))]

    loaded = await filled.load(BOXES, many)

    assert {"int", "text"} == loaded.keys()
    assert {"_id": "int", "version": 1, "a": 5} == loaded["int"]
    assert {} == await filled.load(BOXES, [])


async def test_sorts_by_one_field_and_then_by_id(store: Store) -> None:
    """Missing comes first, ties stand in id order, and a descending order turns only the field."""
    values = {"d": 2, "a": 2, "c": None, "b": 1.5, "e": 10}
    await _put(store, {key: {"n": value, "m": {"n": value}} for key, value in values.items()})

    orders = {
        "up": await store.find(BOXES, {}, sort="n"),
        "down": await store.find(BOXES, {}, sort="n", descending=True),
        "dotted": await store.find(BOXES, {}, sort="m.n"),
        "limited": await store.find(BOXES, {}, sort="n", limit=2),
        "by id": await store.find(BOXES, {}, descending=True, limit=2),
    }

    assert {
        "up": "cbade", "down": "eadbc", "dotted": "cbade", "limited": "cb", "by id": "ed",
    } == {name: "".join(each["_id"] for each in found) for name, found in orders.items()}  # fmt: skip


async def test_a_change_of_an_older_version_is_a_conflict(store: Store) -> None:
    """Of two who loaded the same version, the second changes nothing and is told so."""
    first = await store.write([Change(BOXES, "a", 0, {"n": 1})])
    second = await store.write([Change(BOXES, "a", 0, {"n": 2})])
    third = await store.write([Change(BOXES, "a", 1, {"n": 3})])

    assert Written() == first == third
    assert Written(frozenset({("boxes", "a")})) == second
    assert {"a": {"_id": "a", "version": 2, "n": 3}} == await store.load(BOXES, ["a"])


async def test_a_conflict_leaves_the_rest_of_its_batch_alone(store: Store) -> None:
    """A batch over several kinds writes what it can."""
    await _put(store, {"a": {"n": 1}})

    written = await store.write(
        [
            Change(BOXES, "a", 0, {"n": 2}),
            Change(BOXES, "b", 0, {"n": 2}),
            Change(SHELVES, "a", 0, {"n": 2}),
        ]
    )

    assert Written(frozenset({("boxes", "a")})) == written
    assert {"a": 1, "b": 2} == {each["_id"]: each["n"] for each in await store.find(BOXES, {})}
    assert 1 == await store.count(SHELVES, {})


async def test_only_changed_fields_are_written(store: Store) -> None:
    """A field that a change does not name keeps its value."""
    await _put(store, {"a": {"n": 1, "kept": [1, {"x": "y"}]}})

    await store.write([Change(BOXES, "a", 1, {"n": 2})])

    expected = {"_id": "a", "version": 2, "n": 2, "kept": [1, {"x": "y"}]}
    assert {"a": expected} == await store.load(BOXES, ["a"])


async def test_keys_may_hold_dots(store: Store) -> None:
    """Slugs of activities have dots, and they are keys of kept dictionaries."""
    await _put(store, {"a": {"scores": {"e.learning": 80.5}}})

    assert {"e.learning": 80.5} == (await store.load(BOXES, ["a"]))["a"]["scores"]


async def test_a_unique_text_belongs_to_one_document(store: Store) -> None:
    """Taking another's is a conflict; having none collides with nobody."""
    await _put(store, {"a": {"code": "K-1"}, "none": {"code": None}, "nothing": {}})

    taken = await store.write([Change(BOXES, "b", 0, {"code": "K-1"})])
    free = await store.write(
        [Change(BOXES, "c", 0, {"code": "K-2"}), Change(BOXES, "d", 0, {"code": None})]
    )
    again = await store.write([Change(BOXES, "a", 1, {"code": "K-1", "n": 1})])

    assert Written(frozenset({("boxes", "b")})) == taken
    assert Written() == free == again


async def test_a_unique_text_inside_a_list_belongs_to_one_document(store: Store) -> None:
    """A key that one page holds cannot be appended to another."""
    await store.write([Change(SHELVES, "p1", 0, {"lines": [{"key": "x"}, {"key": "y"}]})])

    taken = await store.write([Change(SHELVES, "p2", 0, {"lines": [{"key": "z"}, {"key": "y"}]})])
    free = await store.write([Change(SHELVES, "p3", 0, {"lines": [{"key": "z"}]})])
    empty = await store.write(
        [Change(SHELVES, "p4", 0, {"lines": []}), Change(SHELVES, "p5", 0, {"lines": []})]
    )

    assert Written(frozenset({("shelves", "p2")})) == taken
    assert Written() == free == empty


async def test_what_does_not_fit_is_refused_alone(store: Store) -> None:
    """A document that is too large is named, and the others of its batch are kept."""
    await _put(store, {"grows": {"n": 1}})

    written = await store.write(
        [
            Change(BOXES, "small", 0, {"n": 1}),
            Change(BOXES, "large", 0, {"text": "x" * 17_000_000}),
            Change(BOXES, "grows", 1, {"n": 2}),
        ]
    )

    assert {("boxes", "large")} == written.refused.keys()
    assert frozenset() == written.conflicts
    assert ["grows", "small"] == [each["_id"] for each in await store.find(BOXES, {})]


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1])
async def test_a_number_beyond_eight_bytes_is_refused_alone(store: Store, number: int) -> None:
    """The largest that fits is kept, and a text of many digits is no number."""
    written = await store.write(
        [
            Change(BOXES, "fits", 0, {"n": 2**63 - 1, "text": "9" * 30, "list": [{"n": -(2**63)}]}),
            Change(BOXES, "large", 0, {"list": [{"n": number}]}),
        ]
    )

    assert {("boxes", "large")} == written.refused.keys()
    assert frozenset() == written.conflicts
    assert ["fits"] == [each["_id"] for each in await store.find(BOXES, {})]


async def test_facts_are_kept_with_the_change_and_hidden_from_readers(store: Store) -> None:
    """A loaded document points at what waits to leave, and does not carry every fact it stated."""
    one, two = messages("a", 1, 2)

    await store.write([Change(BOXES, "a", 0, {"n": 1}, [one, two])])

    outbox = [{"id": one.id, "seq": 1}, {"id": two.id, "seq": 2}]
    expected = {"_id": "a", "version": 1, "n": 1, "seq": 2, "outbox": outbox}
    assert {"a": expected} == await store.load(BOXES, ["a"])
    assert [expected] == await store.find(BOXES, {})
    assert [one, two] == await store.pending(BOXES, ["a", "unknown"])


async def test_clears_exactly_the_named_facts(store: Store) -> None:
    """What another writer added meanwhile stays; clearing again, or what is unknown, changes nothing."""
    one, two, three = messages("a", 1, 2, 3)
    await store.write([Change(BOXES, "a", 0, {}, [one, two])])
    await store.write([Change(BOXES, "a", 1, {}, [three])])

    for _ in range(2):
        await store.clear([(("boxes", "a"), [one.id, two.id]), (("boxes", "unknown"), [one.id])])

    assert [three] == await store.pending(BOXES, ["a"])
    assert {"a": [three.id]} == await store.unpublished(BOXES, 10)
    assert 2 == (await store.load(BOXES, ["a"]))["a"]["version"]


async def test_finds_aggregates_whose_facts_wait(store: Store) -> None:
    """Only those with something in their outbox are found, at most as many as asked for."""
    await store.write([Change(BOXES, key, 0, {}, messages(key, 1)) for key in "abc"])
    await store.write([Change(BOXES, "silent", 0, {"n": 1})])
    await store.clear([(("boxes", "b"), [messages("b", 1)[0].id])])

    found = await store.unpublished(BOXES, 10)

    assert {key: [messages(key, 1)[0].id] for key in "ac"} == found
    assert 1 == len(await store.unpublished(BOXES, 1))
    assert {} == await store.unpublished(SHELVES, 10)


async def test_tells_all_stated_facts_in_pages(store: Store) -> None:
    """Cleared facts are told as well; pages follow id order and leave out who stated nothing."""
    await store.write([Change(BOXES, key, 0, {}, messages(key, 1, 2)) for key in "acd"])
    await store.write([Change(BOXES, "b", 0, {"n": 1})])
    await store.clear([(("boxes", "a"), [each.id for each in messages("a", 1, 2)])])

    pages = [await store.stated(BOXES, after, 2) for after in ("", "c", "d")]

    assert [["a", "c"], ["d"], []] == [list(page) for page in pages]
    assert list(messages("a", 1, 2)) == pages[0]["a"]


async def test_states_again_only_what_matches(store: Store) -> None:
    """A filter chooses the aggregates whose story is told."""
    await store.write(
        [Change(BOXES, key, 0, {"n": n}, messages(key, 1)) for n, key in enumerate("abc")]
    )

    page = await store.stated(BOXES, "", 10, {"n": {"$in": [0, 2]}})

    assert ["a", "c"] == list(page)


_LOWEST = -(2**63)
"""The word whose one bit is the sign."""


async def test_merges_end_the_same_in_any_order_and_number(store: Store) -> None:
    """Bits are OR-ed up to the sign, numbers rise, members are held once, and fields are those of the first."""
    merges = [
        Merge("a", {"code": "K"}, {"words.0": 5, "words.1": _LOWEST}, {"counts.7": 3}, {"tags": ["live"]}),
        Merge("a", {"code": "K"}, {"words.0": 2**62 + 8}, {"counts.7": 2, "counts.8": 0}, {"tags": ["x", "live"]}),
        Merge("a", {"code": "K"}, {"words.1": 1}, {"counts.7": 9}),
        Merge("b", {"code": "L"}, members={"seen": [4, 1, 4]}),
    ]  # fmt: skip

    await store.merge(BOXES, merges)
    once = await store.load(BOXES, ["a", "b"])
    await store.merge(BOXES, merges[::-1])
    await store.merge(BOXES, [])

    assert {
        "_id": "a", "version": 1, "code": "K", "words": {"0": 2**62 + 13, "1": _LOWEST + 1},
        "counts": {"7": 9, "8": 0}, "tags": ["live", "x"],
    } == once["a"]  # fmt: skip
    assert {"_id": "b", "version": 1, "code": "L", "seen": [4, 1]} == once["b"]
    assert once == await store.load(BOXES, ["a", "b"])


async def test_a_mark_that_was_set_again_is_cleared_by_nobody_who_had_not_seen_it(
    store: Store,
) -> None:
    """Each merge with marks raises the version, so that a guarded write of what was read before conflicts."""
    marked = Merge("a", {"code": "K"}, {"words.0": 1}, marks={"due": True})
    await store.merge(BOXES, [marked])
    seen = (await store.load(BOXES, ["a"]))["a"]["version"]
    await store.merge(BOXES, [marked])

    stale = await store.write([Change(BOXES, "a", seen, {"due": False})])
    fresh = await store.write([Change(BOXES, "a", seen + 1, {"due": False})])

    assert (1, 1, 0) == (seen, len(stale.conflicts), len(fresh.conflicts))
    assert {"_id": "a", "version": 3, "code": "K", "words": {"0": 1}, "due": False} == (
        await store.load(BOXES, ["a"])
    )["a"]


async def test_whoever_makes_a_document_meets_a_merge_that_made_it_first(store: Store) -> None:
    """A first write is guarded as any other, and what it made is added to; nothing merged is lost either way."""
    marked = Merge("a", {"code": "K"}, {"words.0": 1}, marks={"due": True})
    await store.merge(BOXES, [marked])
    late = await store.write([Change(BOXES, "a", 0, {"code": "L", "words": {}, "due": False})])
    made = await store.write([Change(BOXES, "b", 0, {"code": "L", "words": {}, "due": False})])
    await store.merge(BOXES, [marked._replace(id="b")])
    found = await store.load(BOXES, ["a", "b"])

    assert (1, 0) == (len(late.conflicts), len(made.conflicts))
    assert {"_id": "a", "version": 1, "code": "K", "words": {"0": 1}, "due": True} == found["a"]
    assert {"_id": "b", "version": 2, "code": "L", "words": {"0": 1}, "due": True} == found["b"]


async def test_merges_of_many_writers_all_hold(store: Store) -> None:
    """Nothing that anybody added is lost, also where all of them make the document."""
    keys = [f"m{number}" for number in range(40)]

    await asyncio.gather(
        *(
            store.merge(BOXES, [Merge(key, bits={"words.0": 1 << bit}) for key in keys])
            for bit in range(20)
        )
    )

    found = await store.load(BOXES, keys)
    assert dict.fromkeys(keys, 2**20 - 1) == {
        key: document["words"]["0"] for key, document in found.items()
    }


async def test_forgets_facts_of_a_type_and_nothing_else(store: Store) -> None:
    """What is forgotten is never told again, and the count goes on where it stood."""
    await store.write([Change(BOXES, key, 0, {"n": 1}, messages(key, 1, 2)) for key in "ab"])

    await store.forget(BOXES, ["a"], [messages("a", 1)[0].type])

    assert ["b"] == list(await store.stated(BOXES, "", 10))
    assert 2 == (await store.load(BOXES, ["a"]))["a"]["seq"]


async def test_removes_what_matches(store: Store) -> None:
    """Removing tells how many are gone and spares the others."""
    await _put(store, {"a": {"n": 1}, "b": {"n": 2}, "c": {"n": 3}})

    gone = await store.remove(BOXES, {"n": {"$lt": 3}})

    assert 2 == gone
    assert ["c"] == [each["_id"] for each in await store.find(BOXES, {})]


async def test_what_was_loaded_is_a_copy(store: Store) -> None:
    """Changing a loaded document, or the fields of a change, changes nothing that is kept."""
    fields = {"list": [1]}
    await store.write([Change(BOXES, "a", 0, fields)])
    fields["list"].append(2)
    (await store.load(BOXES, ["a"]))["a"]["list"].append(3)

    assert [1] == (await store.load(BOXES, ["a"]))["a"]["list"]


async def test_of_many_writers_exactly_one_wins(store: Store) -> None:
    """Twenty who loaded the same version at once: one change holds."""
    await _put(store, {"a": {"n": 0}})

    written = await asyncio.gather(
        *(store.write([Change(BOXES, "a", 1, {"n": number})]) for number in range(20))
    )

    winners = [number for number, each in enumerate(written) if not each.conflicts]
    assert 1 == len(winners)
    assert winners[0] == (await store.load(BOXES, ["a"]))["a"]["n"]


async def test_answers_a_ping(store: Store) -> None:
    """A store that is there says so."""
    await store.ping()

    assert 1 == store.epoch
