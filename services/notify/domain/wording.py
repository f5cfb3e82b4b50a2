"""How a notice is worded: chosen by its type, filled with its words, in the person's language."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from string import Formatter
from typing import Any

from services.notify.domain import english, indonesian
from services.notify.domain.phrases import Language, Phrases
from shared.kernel.values import replace

PHRASES: Mapping[Language, Phrases] = {"id": indonesian.PHRASES, "en": english.PHRASES}

_DATES = frozenset(
    {"starts", "ends", "due", "decided_on", "until", "issued_on", "valid_until", "signed_on"}
)


@dataclass(frozen=True)
class Text:
    """One line of subject, and paragraphs; one may have lines, `- ` before a list's items."""

    subject: str
    paragraphs: Sequence[str]


def tell(type_: str, words: Mapping[str, Any], language: Language) -> Text:
    """Word a notice; a paragraph that speaks of what is not known is left out."""
    phrases = PHRASES[language]
    template = phrases.templates[_variant(type_, words)]
    values = _localised(words, language, phrases)
    told = [
        part.format_map(values)
        for part in template.paragraphs
        if all(values.get(name) for _, name, _, _ in Formatter().parse(part) if name)
    ]
    return Text(one_line(template.subject.format_map(values)), told)


def report(type_: str, words: Mapping[str, Any], language: Language) -> str:
    """Word a notice as the person's agency reads it, beside the name."""
    phrases = PHRASES[language]
    return phrases.desk[_variant(type_, words)].format_map(_localised(words, language, phrases))


def greet(text: Text, name: str, language: Language) -> Text:
    """Put a salutation before and a closing after, as a letter has them."""
    phrases = PHRASES[language]
    salutation = phrases.salutation.format(name=one_line(name) or phrases.stranger)
    return replace(text, paragraphs=[salutation, *text.paragraphs, phrases.closing])


def as_text(text: Text) -> str:
    """Write a text's paragraphs with an empty line between."""
    return "\n\n".join(text.paragraphs)


def as_html(text: Text, language: Language) -> str:
    """Write a text as a plain HTML page; nothing in it is markup but what stands here."""
    body = "\n".join(f"<p>{_marked_up(part)}</p>" for part in text.paragraphs)
    title = html.escape(text.subject)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        f"<title>{title}</title></head>\n<body>\n{body}\n</body></html>\n"
    )


def one_line(text: str) -> str:
    """Make one line without control characters of a text, as a header needs it."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _marked_up(paragraph: str) -> str:
    escaped = html.escape(paragraph)
    if paragraph.startswith(("https://", "http://")) and len(paragraph.split()) == 1:
        return f'<a href="{escaped}">{escaped}</a>'
    return escaped.replace("\n", "<br>\n")


def _variant(type_: str, words: Mapping[str, Any]) -> str:
    """Tell which template a notice takes, where its type has more than one."""
    if type_ == "graduation_decided":
        return f"{type_}.{words['outcome']}"
    if type_ == "programme_completed" and words["revision"] > 1:
        return f"{type_}.corrected"
    if type_ == "certified" and words["supersedes"]:
        return f"{type_}.again"
    return type_


def _localised(words: Mapping[str, Any], language: Language, phrases: Phrases) -> dict[str, str]:
    """Write each word in a language; one that has an English twin gives way to it in English."""
    values: dict[str, str] = {}
    for name, word in words.items():
        if name.endswith("_en"):
            continue
        chosen = words.get(f"{name}_en") or word if language == "en" else word
        values[name] = _written(name, chosen, phrases)
    return values


def _written(name: str, word: Any, phrases: Phrases) -> str:  # noqa: ANN401 - any JSON
    if name in _DATES:
        return _date(word, phrases)
    if name == "reasons":
        return _listed([phrases.reasons.get(code, code) for code in word])
    if name == "calendar":
        return _listed([_scheduled(each, phrases) for each in word])
    if isinstance(word, list):
        return _listed(word)
    if isinstance(word, float):
        return f"{word:.2f}".replace(".", phrases.decimal)
    # A number of 0 is a word like any other; what is not known is None or empty.
    return "" if word is None else str(word)


def _listed(items: Sequence[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _scheduled(each: Mapping[str, Any], phrases: Phrases) -> str:
    pattern = phrases.scheduled if each["starts"] else phrases.unscheduled
    starts, ends = _date(each["starts"], phrases), _date(each["ends"], phrases)
    return pattern.format(phase=each["phase"], starts=starts, ends=ends)


def _date(day: str, phrases: Phrases) -> str:
    if not day:
        return ""
    asked = date.fromisoformat(day)
    return f"{asked.day} {phrases.months[asked.month - 1]} {asked.year}"
