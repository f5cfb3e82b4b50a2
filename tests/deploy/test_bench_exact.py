"""The proof that attendance is exact: what disturbs it loses nothing itself, and what differs is counted."""

from deploy.bench import audience, exact

CROWD = audience.viewers(300, 10)


def test_losing_the_order_loses_no_record() -> None:
    """Records change places within some hundreds, and each is written once."""
    entries = list(audience.packed("s", audience.beats(CROWD, 10), 3, 4))
    disordered = list(exact._disordered(entries))

    assert entries != disordered
    assert sorted(entries) == sorted(disordered)


def test_every_viewer_who_differs_is_counted_once() -> None:
    """Who lacks minutes, who has too many, who is missing, and who was never there."""
    expected = {"same": 3, "lacks": 3, "more": 1, "missing": 1}
    found = {"same": 3, "lacks": 1, "more": 3, "stranger": 1}

    assert 4 == sum(exact._wrong(expected, found))
    assert 0 == sum(exact._wrong(expected, dict(expected)))
