"""Attendance reports as Zoom and Meet write them, and as people save them."""

from datetime import UTC, timedelta, timezone

import pytest

from services.progress.domain.live import tables
from services.progress.domain.live.reports import Seen, nip_in, read_registrations, read_report
from services.progress.domain.live.tables import read_table
from services.progress.domain.minutes import span
from shared.kernel.clock import WIB
from shared.kernel.errors import Refusal
from tests.support.live import ANI, BUDI, hour, scheduled

# The lecture is on 20 July 2024 from 09:00 to 10:00 in Surabaya (WIB).
_SESSION = scheduled().start(hour(0), hour(0))
_ZOOM = f"""Meeting ID,Topic,Start Time,End Time,User Email,Duration (Minutes),Participants
81234567890,"Kuliah Umum, Transformasi",07/20/2024 08:50:00 AM,07/20/2024 10:05:00 AM,bpsdm@jatim.test,75,3

Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes),Guest
"{ANI} Ani, S.Kom",,07/20/2024 09:00:10 AM,07/20/2024 09:20:00 AM,20,Yes
"{ANI} Ani, S.Kom",,07/20/2024 09:30:00 AM,07/20/2024 09:59:30 AM,30,Yes
Budi,budi@malang.test,07/20/2024 08:50:00 AM,07/20/2024 10:05:00 AM,75,No
iPhone,,07/20/2024 09:00:00 AM,07/20/2024 09:10:00 AM,10,Yes
"""
_BOTH = [
    Seen(5, ANI, span(0, 20)),
    Seen(6, ANI, span(30, 60)),
    Seen(7, BUDI, span(0, 60)),
    Seen(8, "", span(0, 10), "no-nip"),
]
_REGISTERED = {"budi@malang.test": BUDI}


@pytest.mark.parametrize(
    "content",
    [
        _ZOOM.encode(),
        b"\xef\xbb\xbf" + _ZOOM.encode(),
        _ZOOM.encode("utf-16"),
        _ZOOM.replace("Ani, S", "Ané, S").encode("windows-1252"),
        _ZOOM.replace("\n", "\r\n").encode(),
    ],
)
def test_a_zoom_report_is_read_row_by_row(content: bytes) -> None:
    """Several joins of one person, names with commas, a preamble, and whatever encoding."""
    assert _BOTH == read_report(content, _REGISTERED, _SESSION, WIB)


def test_a_report_saved_by_excel_in_indonesia_is_read() -> None:
    """Semicolons, Indonesian headings, the day before the month, points in times."""
    text = (
        "Nama (Nama Asli);Email Pengguna;Waktu Bergabung;Waktu Keluar;Durasi (Menit)\r\n"
        f"Ani ({ANI[:8]} {ANI[8:14]} {ANI[14]} {ANI[15:]});;20/07/2024 09.00;20/07/2024 09.30;30\r\n"
    )

    assert [Seen(2, ANI, span(0, 30))] == read_report(text.encode(), {}, _SESSION, WIB)


def test_a_meet_report_counts_no_more_than_it_says_somebody_was_there() -> None:
    """Meet tells first joining and last leaving in one row, and how long that was in all."""
    rows = [
        ("9:00 AM", "10:00 AM", "58 min", span(0, 58)),
        ("09:00:00", "10:00:00", "1 hr 2 min", span(0, 60)),
        ("9:10 AM", "9:40 AM", "10 min", span(10, 20)),
        ("2024-07-20T02:00:00Z", "2024-07-20T02:30:00Z", "0:20:00", span(0, 20)),
        ("2024-07-20 09:00:00", "2024-07-20 09:30:00", "", span(0, 30)),
        ("2024-07-20 09:00:00", "2024-07-20 09:30:00", "1 jam", span(0, 30)),
    ]
    text = "First name,Last name,Email,Duration,Time joined,Time exited\n" + "".join(
        f"Ani,{ANI},,{lasted},{joined},{left}\n" for joined, left, lasted, _ in rows
    )

    seen = read_report(text.encode(), {}, _SESSION, WIB)
    assert [minutes for *_, minutes in rows] == [each.minutes for each in seen]


@pytest.mark.parametrize(
    ("joined", "left", "fault"),
    [
        ("whenever", "09:10", "unreadable-time"),
        ("09:00", "", "unreadable-time"),
        ("31/02/2024 09:00", "09:10", "unreadable-time"),
        ("25:00", "09:10", "unreadable-time"),
        ("09:20", "09:10", "left-before-joining"),
        ("19/07/2024 09:00", "19/07/2024 09:10", "outside-session"),
        ("11:00", "11:10", "outside-session"),
        ("0001-01-01T00:00:00+07:00", "09:10", "unreadable-time"),
        ("9999-12-31T23:00:00Z", "9999-12-31T23:10:00Z", "outside-session"),
    ],
)
def test_a_row_that_tells_no_minutes_says_why(joined: str, left: str, fault: str) -> None:
    """And keeps no other row out."""
    text = (
        f"NIP,Duration,Time joined,Time exited\n{ANI},1440,{joined},{left}\n{BUDI},,09:00,09:10\n"
    )

    bad, good = read_report(text.encode(), {}, _SESSION, WIB)
    assert (fault, 0) == (bad.fault, bad.minutes)
    assert Seen(3, BUDI, span(0, 10)) == good


@pytest.mark.parametrize(
    ("lasted", "minutes"),
    [
        ("9" * 20, 30),
        ("9" * 5_000, 30),
        ("9" * 5_000 + ":00", 30),
        ("\u00b2:00", 30),
        ("0:20:00", 20),
    ],
)
def test_a_duration_that_cannot_be_spoils_no_report(lasted: str, minutes: int) -> None:
    """The row counts by its times, and the others as they do without it."""
    text = (
        f"NIP,Duration,Time joined,Time exited\n{ANI},{lasted},09:00,09:30\n{BUDI},10,09:00,09:30\n"
    )

    seen = read_report(text.encode(), {}, _SESSION, WIB)
    assert [span(0, minutes), span(0, 10)] == [each.minutes for each in seen]


def test_times_are_those_of_the_nodes_zone() -> None:
    """An hour later in Kalteng's zone is the same instant."""
    wita = timezone(timedelta(hours=8))
    text = f"NIP,Join Time,Leave Time\n{ANI},10:00,10:30\n"

    assert [Seen(2, ANI, span(0, 30))] == read_report(text.encode(), {}, _SESSION, wita)
    assert "outside-session" == read_report(text.encode(), {}, _SESSION, UTC)[0].fault


@pytest.mark.parametrize(
    ("text", "nip"),
    [
        (ANI, ANI),
        (f"{ANI}_Ani", ANI),
        (f"Ani - {ANI[:8]} {ANI[8:14]} {ANI[14]} {ANI[15:]} (Blitar)", ANI),
        (f"{ANI}/{ANI}", ANI),
        (f"{ANI} {BUDI}", ""),
        (f"1{ANI}", ""),
        ("0812 3456 7890", ""),
        ("", ""),
    ],
)
def test_a_number_is_found_in_a_name(text: str, nip: str) -> None:
    """Its parts set apart or not; two different ones are none."""
    assert nip == nip_in(text)


def test_registrations_tell_whose_address_it_is() -> None:
    """Whoever has no number there is nobody."""
    text = f"Email,NIP\nBudi@Malang.test,{BUDI}\nx@y.test,17\n"

    assert _REGISTERED == read_registrations(text.encode())


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"", "empty-file"),
        (b"\xef\xbb\xbf \n", "empty-file"),
        (b"a,b\n1,2\n", "missing-columns"),
        (b"Join Time,Leave Time\n\0", "unreadable-text"),
        (b"Join Time,Leave Time\n" + b"x" * 200_000, "unreadable-text"),
        (b"Join Time,Leave Time\n" + b"09:00,09:10\n" * (tables.MOST_ROWS + 1), "too-many-rows"),
        (b"\xff\xfe\x00", "unreadable-text"),
    ],
)
def test_a_file_that_is_no_report_is_refused_whole(content: bytes, slug: str) -> None:
    """With a reason that somebody can act on."""
    with pytest.raises(Refusal) as caught:
        read_table(content, "joined", "left")
    assert slug == caught.value.slug


def test_empty_rows_are_passed_by() -> None:
    """Numbers of rows stay those of the file."""
    rows = read_table(b"Join Time,Leave Time\n,\n\n09:00,09:10\n", "joined", "left")

    assert [4] == [each.number for each in rows]
