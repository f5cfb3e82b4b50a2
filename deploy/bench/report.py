"""docs/benchmarks.md, written from the results that were kept: tables, bars, circumstances, and what was aimed at."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from deploy.bench.bars import Bar, draw
from deploy.bench.kept import FOLDER, read

_PAGE = FOLDER.with_suffix(".md")
_HEAD = """# Benchmarks

Written by `./corpu bench report` from the results kept in [benchmarks](benchmarks); not to be edited by hand.
Peers are kept in `tests/load/peers`, where each says whose advice it follows.

First comes CPU time of the contestant's own process by the event, as median (and range) of the rounds, everybody in
turn; then that of the broker and the store beside it, and the wall rate. After each drain the final state was
verified. The machine is shared and small: rates by the wall clock tell less than CPU time. A store that is called a
stand-in is not MongoDB, and its figures are not MongoDB's.
"""


class Section(NamedTuple):
    """One benchmark in the report: its result's name, title, introduction, command, and the figures shown."""

    name: str
    title: str
    text: str
    command: str
    columns: Sequence[tuple[str, str]]


_DRAIN = (
    ("own_us", "own CPU µs"),
    ("broker_us", "broker CPU µs"),
    ("store_us", "store CPU µs"),
    ("events_per_second", "events/s (wall)"),
)
SECTIONS = (
    Section(
        "certification",
        "The certification step",
        "Records of enrolment and progress, eight for each learner, are read; terms are kept when somebody is\n"
        "enrolled, and whoever completes gets a number, a certificate kept once and a fact told. Ours is the real\n"
        "service, with traces, metrics and parking. An event is a record. What it does and the worker by hand does\n"
        "not: every fact read by its schema, guarded versions, outboxes cleared once they were sent, lanes that can\n"
        "be retried alone. The profile at the end of this page says what that costs; the ways that were tried stand\n"
        "in ADR-0017.",
        "./corpu bench certification --keep",
        _DRAIN,
    ),
    Section(
        "fold",
        "The fold of heartbeats",
        "Beats of one lecture, one a record and packed, are folded into each viewer's minutes.\n"
        "An event is a beat. Ours is the real service; it writes each second here, so that a run shows several\n"
        "flushes. Packing spares the reading of records, but not the merge of each viewer at each flush, some 25 µs,\n"
        "and that is nearly all that a packed beat costs.",
        "./corpu bench live fold --keep",
        _DRAIN,
    ),
    Section(
        "edge",
        "The edge",
        "Heartbeats by HTTP from 512 connections, each answered once every in-sync replica has it.",
        "./corpu bench live edge --keep",
        (
            ("requests_per_cpu_second", "requests by CPU second"),
            ("own_us", "own CPU µs"),
            ("broker_us", "broker CPU µs"),
            ("events_per_second", "requests/s (wall)"),
            ("p99_ms_at_70_percent", "p99 ms at 70 % load"),
        ),
    ),
    Section(
        "certificates",
        "Certificates as PDF files",
        "The same two pages with the same QR code. Ours is PDF/A-2a and PDF/UA-1, WeasyPrint's PDF/A-2a,\n"
        "reportlab's neither.",
        "./corpu bench certificates --keep",
        (("events_per_second", "by CPU second"), ("own_us", "own CPU µs"), ("bytes", "bytes")),
    ),
)


def write(page: Path = _PAGE, folder: Path = FOLDER) -> Path:
    """Write the report and its plots; a benchmark that was never kept is said to be missing."""
    parts = [_HEAD]
    for section in SECTIONS:
        result = read(section.name, folder)
        parts.append("\n".join([*_section(section, result, folder, page)]))
    for title, name, lines in (
        ("Whether attendance is exact", "exact", _exact),
        ("The whole chain", "chain", _chain),
        ("A national lecture", "lecture", _lecture),
        ("What the time goes to", "profile", _profile),
    ):
        if (result := read(name, folder)) is not None:
            parts.append("\n".join([f"## {title}", "", *lines(result)]))
    page.write_text("\n\n".join(each.strip() for each in parts) + "\n", encoding="utf-8")
    return page


def _section(
    section: Section, result: Mapping[str, Any] | None, folder: Path, page: Path
) -> Iterator[str]:
    yield from (f"## {section.title}", "", section.text, "", f"`{section.command}`", "")
    if result is None:
        yield "Not measured yet."
        return
    contestants: Mapping[str, Any] = result["contestants"]
    columns = [
        each for each in section.columns if any(each[0] in told for told in contestants.values())
    ]
    yield from table(
        ["contestant", *(title for _, title in columns)],
        [
            [name, *(spell(told.get(figure)) for figure, _ in columns)]
            for name, told in contestants.items()
        ],
    )
    figure, title = columns[0]
    bars = [
        Bar(name, told[figure]["median"], told[figure]["least"], told[figure]["most"], name.startswith("corpu"))
        for name, told in contestants.items()
        if figure in told
    ]  # fmt: skip
    plot = folder / f"{section.name}.svg"
    plot.write_text(draw(f"{section.title}: {title}", bars), encoding="utf-8")
    yield from ("", f"![{section.title}]({plot.relative_to(page.parent)})", "")
    if lingering := result.get("with_default_linger"):
        yield "With the default linger of Kafka 4's group coordinator (5 ms), which the figures above are without:"
        yield ""
        yield from table(
            ["contestant", *(title for _, title in _DRAIN)],
            [
                [name, *(spell(told[figure]) for figure, _ in _DRAIN)]
                for name, told in lingering.items()
            ],
        )
        yield ""
    yield from _aims(result.get("aims", ()))
    if told := result.get("told"):
        yield from (*(f"- {line}" for line in told), "")
    yield _circumstances(result)


def _aims(aims: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not aims:
        return

    def bound(each: Mapping[str, Any]) -> str:
        return (
            f"at most {each['at_most']:g}"
            if "at_most" in each
            else f"at least {each['at_least']:g}"
        )

    rows = [
        [each["what"], f"{each['measured']:g}", bound(each), "yes" if each["met"] else "**no**"]
        for each in aims
    ]
    yield from table(["aimed at", "measured", "aim", "met"], rows)
    yield ""


def _circumstances(result: Mapping[str, Any]) -> str:
    told = result["circumstances"]
    sizes = ("learners", "viewers", "minutes", "beats", "records", "count", "connections", "rounds")
    size = ", ".join(f"{result[name]} {name}" for name in sizes if name in result)
    parts = "; ".join(f"{name}: {what}" for name, what in told["parts"].items())
    versions = ", ".join(f"{name} {found}" for name, found in told["versions"].items())
    return (
        ". ".join(
            each for each in (f"{told['at']}, {told['machine']}", size, parts, versions) if each
        )
        + "."
    )


def _exact(result: Mapping[str, Any]) -> Iterator[str]:
    memory = result["memory_mb"]
    yield "A lecture's beats, some of them repeated, late and out of order, are folded while processes come and go."
    yield "In the end every viewer's minutes are compared with what was watched, by `./corpu bench live exact --keep`."
    yield ""
    rows = [
        ["viewers whose minutes differ", f"**{result['differences']:,}** of {result['viewers']:,}"],
        ["beats", f"{result['beats']:,} in {result['records']:,} records"],
        ["repeated, late", f"{result['repeated_percent']:g} %, {result['late_percent']:g} %"],
        ["by HTTP through the edge", f"{sum(result['over_http']['statuses'].values()):,}"],
        ["fold processes at a time", f"{result['processes']}"],
        ["killed meanwhile by SIGKILL, and begun again", f"{result['killed']} times"],
        ["ended in order, and begun again", f"{result['ended_and_begun']} times"],
        [
            "memory of a process, at rest and at most",
            f"{memory['at_rest']} and {memory['most']} MB",
        ],
        ["seconds", f"{result['seconds']:g}"],
    ]
    yield from table(["what", "measured"], rows)
    yield from ("", _circumstances(result))


def _chain(result: Mapping[str, Any]) -> Iterator[str]:
    yield "From enrolled to noticed on a running node, by `./corpu bench chain --keep`."
    yield "CPU µs of each service by the fact that it handles:"
    yield ""
    services = result["cpu_us_per_fact"]
    rows = [[name, f"{services[name]:g}", f"{result['cost_growth'][name]:g}"] for name in services]
    yield from table(["service", "CPU µs", f"growth at {result['stored_enrolments']} stored"], rows)
    yield from ("", f"{result['learners']} learners a leg. {result['machine']}; {result['parts']}.")


def _lecture(result: Mapping[str, Any]) -> Iterator[str]:
    yield "By `./corpu simulate lecture --keep`."
    yield "What this means for a cluster stands in [national-lecture.md](national-lecture.md)."
    yield ""
    measured = (
        ("fold_us_a_beat", "fold, µs a beat"), ("drain_us_a_merge", "drain, µs a merge"),
        ("write_us_a_merge", "write, µs a merge"), ("merges_a_beat", "merges a beat"),
        ("bytes_a_beat", "bytes a beat"), ("memory_bytes_a_viewer", "bytes held a viewer"),
        ("beats", "beats folded"), ("beats_a_record", "beats a record"),
    )  # fmt: skip
    yield "Measured on a sample of shards and minutes:"
    yield ""
    sizes = result["sizes"]
    yield from _turned_table(sizes, "measured", measured)
    yield from ("", "Arithmetic from that, for the whole:", "")
    names = [(name, name.replace("_", " ")) for name in sizes[0]["arithmetic"]]
    yield from _turned_table(sizes, "arithmetic", names)
    growth = result["cost_growth"]
    layout = ", ".join(f"{name} {value:g}" for name, value in result["layout"].items())
    yield from (
        "",
        f"Fold CPU a beat grows by {growth['fold_cpu_a_beat']} from {growth['from']:,} to {growth['to']:,} viewers.",
    )
    kept = ", ".join(f"{name} {value}" for name, value in result["kept"].items())
    yield from (
        "",
        f"Layout: {layout}. Taken from kept benchmarks: {kept}. {_circumstances(result)}",
    )


def _turned_table(
    sizes: Sequence[Mapping[str, Any]], part: str, names: Sequence[tuple[str, str]]
) -> Iterator[str]:
    rows = [
        [
            title,
            *("-" if (value := each[part].get(name)) is None else f"{value:,}" for each in sizes),
        ]
        for name, title in names
    ]
    yield from table(["viewers", *(f"{each['viewers']:,}" for each in sizes)], rows)


def _profile(result: Mapping[str, Any]) -> Iterator[str]:
    for each in result["profiles"]:
        yield from (each["what"], "")
        yield from table(
            ["share", "where"], [[f"{share:.0%}", where] for where, share in each["shares"]]
        )
        yield ""
    yield result["how"]


def spell(found: Mapping[str, float] | None) -> str:
    """Write a median with its range."""
    if found is None:
        return "-"
    form: Callable[[float], str] = "{:,.0f}".format if found["median"] >= 1_000 else "{:.3g}".format  # noqa: PLR2004 - where figures become unreadable
    return f"**{form(found['median'])}** ({form(found['least'])} to {form(found['most'])})"


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Write a table in Markdown."""
    yield f"| {' | '.join(headings)} |"
    yield f"| --- | {' | '.join('---:' for _ in headings[1:])} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"
