"""Certificates by other makers of PDF files: the same words on the same two pages, with the same QR code.

WeasyPrint lays HTML out, tagged and archivable as ours are (`pdf_variant`), with one font configuration for all, as its
documentation's *Improving rendering speed and memory use* says; reportlab draws by its platypus flowables, and what
it makes is neither tagged nor PDF/A.
"""

import argparse
import io
import json
import sys
import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import segno

Words = dict[str, Any]


def by_weasyprint() -> Callable[[Words], bytes]:
    """Print by WeasyPrint."""
    from weasyprint import HTML  # noqa: PLC0415 - only who is asked for is loaded
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415

    layout = Template(Path(__file__).with_name("certificate.html").read_text(encoding="utf-8"))
    fonts = FontConfiguration()

    def make(words: Words) -> bytes:
        rows = "".join(
            f'<tr><td class="n">{each["number"]}</td><td>{escape(each["title"])} / '
            f'<span class="en">{escape(each["title_en"])}</span></td><td class="n">{each["jp"]}</td></tr>'
            for each in words["phases"]
        )
        plain = {name: escape(str(each)) for name, each in words.items()}
        qr = segno.make(words["url"], error="m", micro=False, mask=4).svg_data_uri(border=4)
        text = layout.substitute({**plain, "phases": rows, "qr": escape(qr)})
        printed: bytes = HTML(string=text).write_pdf(font_config=fonts, pdf_variant="pdf/a-2a")
        return printed

    return make


def by_reportlab() -> Callable[[Words], bytes]:
    """Print by reportlab."""
    from reportlab.lib import colors  # noqa: PLC0415 - only who is asked for is loaded
    from reportlab.lib.pagesizes import A4, landscape  # noqa: PLC0415
    from reportlab.lib.styles import ParagraphStyle  # noqa: PLC0415
    from reportlab.lib.units import cm  # noqa: PLC0415
    from reportlab.platypus import (  # noqa: PLC0415
        Image,
        PageBreak,
        Paragraph,
        SimpleDocTemplate,
        Spacer,
        Table,
    )

    centred = ParagraphStyle(
        "centred", fontName="Times-Roman", fontSize=11.5, leading=17, alignment=1
    )
    large = ParagraphStyle("large", parent=centred, fontName="Times-Bold", fontSize=21, leading=28)
    plain = ParagraphStyle("plain", parent=centred, alignment=0)

    def make(words: Words) -> bytes:
        told = {name: escape(str(each)) for name, each in words.items()}
        code = io.BytesIO()
        segno.make(words["url"], error="m", micro=False, mask=4).save(
            code, kind="png", scale=4, border=4
        )
        lines = (
            "<b>{agency}</b>", "<i>{title_en}</i>", "Nomor / <i>Number</i>: <b>{number}</b>",
            "menyatakan bahwa / <i>certifies that</i>", "<font size=21><b>{name}</b></font>", "NIP {nip}",
            "telah menyelesaikan / <i>has completed</i>", "<font size=15><b>{programme}</b></font>",
            "<i>{programme_en}</i>", "{cohort}, {dates} / <i>{dates_en}</i>",
            "Jumlah jam pelatihan / <i>Training hours</i>: <b>{jp} JP</b>",
            "Predikat / <i>Predicate</i>: <b>{predicate}</b> / <i>{predicate_en}</i>",
            "Nilai akhir / <i>Final score</i>: <b>{score}</b>",
        )  # fmt: skip
        signed = "{issued} / <i>{issued_en}</i><br/>{position}<br/><b>{signatory}</b>"
        rows = [["No.", "Tahap / Phase", "JP"]]
        phases = words["phases"]
        rows += [
            [each["number"], f"{each['title']} / {each['title_en']}", each["jp"]] for each in phases
        ]
        grid = Table(rows, colWidths=[1.5 * cm, 18 * cm, 2 * cm])
        grid.setStyle([("GRID", (0, 0), (-1, -1), 0.5, colors.HexColor("#8aa3bd"))])
        foot = Table([[Image(code, 3 * cm, 3 * cm), Paragraph(signed.format(**told), centred)]])
        cites = "Diterbitkan menurut / <i>Issued under</i>: {cites}, {programme_code}."
        story = [
            Paragraph("{title}".format(**told).upper(), large),
            *(Paragraph(line.format(**told), centred) for line in lines),
            Spacer(1, cm), foot, PageBreak(),
            Paragraph("<b>Rincian pelatihan / <i>Training in detail</i></b>", plain),
            Paragraph("{name} NIP {nip} {number}".format(**told), plain), grid,
            Paragraph(cites.format(**told), plain),
        ]  # fmt: skip
        out = io.BytesIO()
        SimpleDocTemplate(out, pagesize=landscape(A4), title=words["title"]).build(story)
        return out.getvalue()

    return make


MAKERS = {"weasyprint": by_weasyprint, "reportlab": by_reportlab}


def main() -> None:
    """Print so many certificates, keep the last, and tell the CPU seconds that they cost but the first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--maker", choices=MAKERS, required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    words, make = json.load(sys.stdin), MAKERS[asked.maker]()
    number = words["number"]
    printed = make(words)
    began = time.process_time()
    for serial in range(asked.count):
        printed = make({**words, "number": f"{number}-{serial}"})
    spent = time.process_time() - began
    asked.out.write_bytes(printed)
    sys.stdout.write(json.dumps({"cpu_seconds": spent, "number": f"{number}-{asked.count - 1}"}))


if __name__ == "__main__":
    main()
