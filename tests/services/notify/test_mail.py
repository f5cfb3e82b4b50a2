"""Letters, handed to a real mail server."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.settings import free_port
from services.notify.domain.letters import Letter, Outcome
from services.notify.domain.notices import notice_id
from services.notify.mail import MailServer, SmtpLetters
from services.notify.settings import Settings
from shared.kernel.errors import Unavailable
from tests.support import notify as say
from tests.support.notify import AYU, BAGUS
from tests.support.notify_desk import node
from tests.support.serving import clock, serving
from tests.support.smtp import HOST, Certificate, Mailbox, mail_server
from tests.support.waiting import until

SENDER = "CorpU Jawa Timur <corpu@bpsdm.jatimprov.go.id>"
LETTER = Letter(
    notice_id="n-1",
    address="ayu@malangkota.go.id",
    name="Ayu Lestari, S.Sos.",
    language="id",
    subject="Sertifikat terbit: Pelatihan – tahap «I»",
    text="Yth. Ayu,\n\n.Satu titik di awal baris.\n\nTerima kasih – CorpU",
    html="<p>Yth. Ayu,</p>",
)


def letters(
    port: int,
    *,
    scheme: str = "smtp",
    login: str = "",
    ca_file: Path | None = None,
    timeout: float = 10,
) -> SmtpLetters:
    """Make a way to a mail server."""
    server = MailServer.of(f"{scheme}://{login}{HOST}:{port}")
    return SmtpLetters(server, SENDER, clock(), timeout=timeout, ca_file=ca_file)


async def sent(way: SmtpLetters, *each: Letter) -> list[Outcome]:
    """Send letters over one line."""
    async with way.opened() as line:
        return [await line.send(letter) for letter in each or (LETTER,)]


@pytest.fixture
def mailbox() -> Mailbox:
    """Give an empty mailbox."""
    return Mailbox()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Give the mail server's certificate."""
    return Certificate.made_in(tmp_path_factory.mktemp("tls"))


async def test_a_letter_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    """With both parts, the derived id, and what tells machines not to answer."""
    with mail_server(mailbox) as port:
        outcomes = await sent(letters(port))

    (letter,) = mailbox.letters
    assert [Outcome("sent")] == outcomes
    assert [[LETTER.address]] == mailbox.recipients
    assert '"Ayu Lestari, S.Sos." <ayu@malangkota.go.id>' == letter["To"]
    assert SENDER == letter["From"]
    assert LETTER.subject == letter["Subject"]
    assert "<n-1@bpsdm.jatimprov.go.id>" == letter["Message-ID"]
    assert "auto-generated" == letter["Auto-Submitted"]
    assert "Sat, 20 Jul 2024 03:00:00 +0000" == letter["Date"]
    plain, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert LETTER.text == plain.get_content().rstrip("\r\n").replace("\r\n", "\n")
    assert LETTER.html == page.get_content().strip()


async def test_a_letter_sent_again_is_the_same_letter(mailbox: Mailbox) -> None:
    """Whoever gets it twice can tell by its id."""
    with mail_server(mailbox) as port:
        await sent(letters(port))
        await sent(letters(port))

    first, second = mailbox.letters
    assert first["Message-ID"] == second["Message-ID"]


async def test_nothing_in_a_name_or_title_becomes_a_header(mailbox: Mailbox) -> None:
    """Line breaks in what people typed stay within their header, as spaces."""
    evil = "x\r\nBcc: all@malangkota.go.id\r\n\r\nbody\x00\u2028"
    letter = Letter("n-2", LETTER.address, evil, "id", evil, "text", "<p>html</p>")
    with mail_server(mailbox) as port:
        await sent(letters(port), letter)

    (got,) = mailbox.letters
    assert [[LETTER.address]] == mailbox.recipients
    assert got["Bcc"] is None
    assert "x Bcc: all@malangkota.go.id body" == got["Subject"]


async def test_nothing_encoded_in_a_name_or_title_becomes_a_header(mailbox: Mailbox) -> None:
    """What would decode to a line break is shown as it was written."""
    evil = "x =?utf-8?q?=0d=0aBcc:=20all@malangkota.go.id?="
    letter = Letter("n-3", LETTER.address, evil, "id", evil, "text", "<p>html</p>")
    with mail_server(mailbox) as port:
        await sent(letters(port), letter)

    (got,) = mailbox.letters
    assert got["Bcc"] is None
    assert "x = ?utf-8?q?=0d=0aBcc:=20all@malangkota.go.id?=" == got["Subject"]


async def test_a_letter_that_cannot_be_written_is_refused_by_itself(mailbox: Mailbox) -> None:
    """It costs no other letter its turn."""
    unwritable = replace(LETTER, address="a..b@malangkota.go.id")
    with mail_server(mailbox) as port:
        async with letters(port).opened() as line:
            outcomes = [await line.send(each) for each in (unwritable, LETTER)]

    assert [Outcome("refused", "unwritable"), Outcome("sent")] == outcomes


@pytest.mark.parametrize(
    ("where", "answer", "outcome"),
    [
        (
            LETTER.address,
            "550 5.1.1 <ayu@malangkota.go.id> unknown",
            Outcome("refused", "550 5.1.1"),
        ),
        (LETTER.address, "450 4.2.0 greylisted", Outcome("deferred", "450 4.2.0")),
        (LETTER.address, "421 closing", Outcome("lost", "421")),
        ("DATA", "554 no spam please", Outcome("refused", "554")),
        ("DATA", "452 4.3.1 disk full", Outcome("deferred", "452 4.3.1")),
        ("MAIL", "550 who are you", Outcome("lost", "sender 550")),
        ("DATA", "drop", Outcome("lost", "SMTPServerDisconnected")),
    ],
)
async def test_what_a_server_says_is_understood(
    where: str, answer: str, outcome: Outcome, mailbox: Mailbox
) -> None:
    """For good, for now, or the line; the reason repeats no address."""
    mailbox.says[where] = answer
    with mail_server(mailbox) as port:
        outcomes = await sent(letters(port))

    assert [outcome] == outcomes


async def test_a_refused_letter_leaves_the_line_good_for_the_next(mailbox: Mailbox) -> None:
    """One line carries many letters, whatever becomes of one of them."""
    mailbox.says["nobody@malangkota.go.id"] = "550 5.1.1 unknown"
    nobody = Letter("n-0", "nobody@malangkota.go.id", "", "id", "s", "t", "<p>h</p>")
    with mail_server(mailbox) as port:
        outcomes = await sent(letters(port), LETTER, nobody, LETTER)

    assert ["sent", "refused", "sent"] == [outcome.kind for outcome in outcomes]


async def test_a_server_that_never_answers_loses_the_line(mailbox: Mailbox) -> None:
    """The wait is bounded."""
    mailbox.says["DATA"] = "hang"
    with mail_server(mailbox) as port:
        outcomes = await sent(letters(port, timeout=0.2))
        mailbox.go_on.set()

    assert [Outcome("lost", "SMTPReadTimeoutError")] == outcomes


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    """The line cannot be opened."""
    with pytest.raises(Unavailable):
        await sent(letters(free_port()))


async def test_starttls_is_used_where_it_is_offered(
    mailbox: Mailbox, certificate: Certificate
) -> None:
    """And the password travels inside it only."""
    with mail_server(mailbox, tls=certificate, starttls=True, asks_login=True) as port:
        way = letters(port, login="corpu:p%40ss%3Aword@", ca_file=certificate.file)
        await sent(way)

    assert ([True], ["corpu"]) == (mailbox.tls, mailbox.logins)


async def test_starttls_can_be_required(mailbox: Mailbox) -> None:
    """A server that does not offer it gets no letter."""
    with mail_server(mailbox) as port, pytest.raises(Unavailable):
        await sent(letters(port, scheme="smtp+starttls"))

    assert [] == mailbox.letters


async def test_smtps_speaks_tls_from_the_first_byte(
    mailbox: Mailbox, certificate: Certificate
) -> None:
    """The whole line is inside it."""
    with mail_server(mailbox, tls=certificate) as port:
        await sent(letters(port, scheme="smtps", ca_file=certificate.file))

    assert 1 == len(mailbox.letters)


async def test_a_server_that_nobody_vouches_for_gets_no_letter(
    mailbox: Mailbox, certificate: Certificate
) -> None:
    """A certificate of unknown origin is refused."""
    with mail_server(mailbox, tls=certificate, starttls=True) as port, pytest.raises(Unavailable):
        await sent(letters(port))

    assert [] == mailbox.letters


async def test_a_wrong_password_costs_no_letter(mailbox: Mailbox, certificate: Certificate) -> None:
    """It is the node's own fault, so letters wait until it is mended."""
    with mail_server(mailbox, tls=certificate, starttls=True, asks_login=True) as port:
        way = letters(port, login="corpu:wrong@", ca_file=certificate.file)
        with pytest.raises(Unavailable, match="535"):
            await sent(way)


@pytest.mark.parametrize(
    "url", ["", "localhost:25", "http://localhost", "smtp://", "smtp://h:x", "smtp://u:hush/x@h"]
)
def test_an_address_of_no_mail_server_is_refused(url: str) -> None:
    """At start, and not with the first letter; without what may be a password."""
    with pytest.raises(ValueError, match=r"^SMTP_URL is smtp://") as wrong:
        MailServer.of(url)
    assert "hush" not in str(wrong.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SMTP_URL": "smtp://"}, "SMTP_URL is smtp://"),
        ({"SMTP_FROM": "corpu@"}, "SMTP_FROM is an address"),
        ({"SMTP_FROM": "a@b@c"}, "SMTP_FROM is an address"),
        ({"SMTP_FROM": "<a b@c.id>"}, "SMTP_FROM is an address"),
        (
            {"SMTP_CA_FILE": "/nowhere/ca.pem"},
            "SMTP_CA_FILE: /nowhere/ca.pem cannot be used (No such",
        ),
        ({"SMTP_CA_FILE": __file__}, "SMTP_CA_FILE: "),
    ],
)
def test_mail_that_could_not_be_sent_ends_the_service_in_one_line(
    given: dict[str, Any], said: str
) -> None:
    """Nobody has to read a traceback to see which setting it is."""
    with pytest.raises(
        SystemExit, match=re.escape(f"the settings cannot be used: {said}")
    ) as ended:
        node(clock(), **{"SMTP_URL": f"smtp://{HOST}", **given})
    assert "\n" not in str(ended.value)


def test_a_mail_servers_address_is_read_whole() -> None:
    """With the usual ports, and a password that is never shown."""
    plain, whole = (
        MailServer.of("smtp://mail.go.id"),
        MailServer.of("smtps://a%40b:p%3Aw@mail.go.id"),
    )

    assert ("mail.go.id", 25, None) == (plain.host, plain.port, plain.user)
    assert (465, "a@b", "p:w") == (whole.port, whole.user, whole.password)
    assert 587 == MailServer.of("smtp+starttls://mail.go.id").port
    assert "p:w" not in repr(whole)


@pytest.mark.parametrize("sender", ["corpu", "CorpU <a@b.id>\nBcc: c@d.id"])
def test_a_sender_that_is_no_address_is_refused(sender: str) -> None:
    """At start, as a setting that does not hold."""
    with pytest.raises(ValueError, match="an address is one line"):
        Settings.model_validate({"SMTP_FROM": sender})


def test_settings_tell_how_far_back_the_mail_goes() -> None:
    """For ever, unless a number of days is set."""
    assert Settings.model_validate({}).mail_within is None
    assert timedelta(days=7) == Settings.model_validate({"CORPU_MAIL_WITHIN_DAYS": 7}).mail_within


async def test_facts_become_e_mails(mailbox: Mailbox) -> None:
    """From the bus to the mail server: once each, in the person's language, to who wants them."""
    with mail_server(mailbox) as port:
        notify = node(clock(), SMTP_URL=f"smtp://{HOST}:{port}", SMTP_FROM=SENDER)
        async with serving(notify.app) as client:
            choice = {"inbox": True, "email": False}
            await client.put("/preferences", json=choice, headers=notify.learner(BAGUS))
            await notify.hear(say.card(language="en"), say.card(BAGUS), say.certified(BAGUS))
            await notify.hear(say.certified(), say.certified())
            await until(lambda: len(mailbox.letters), equals=1)
            headers = notify.issuer.bearer("operator")

            async def told() -> object:
                return (await client.get("/notices/summary", headers=headers)).json()["email"]

            await until(told, equals={"pending": 0, "sent": 1, "failed": 0, "declined": 1})

    (letter,) = mailbox.letters
    assert "Certificate issued: Leadership for Administrators" == letter["Subject"]
    assert f"<{notice_id(say.certified())}@bpsdm.jatimprov.go.id>" == letter["Message-ID"]


async def test_the_inbox_works_while_the_mail_server_is_away() -> None:
    """Only e-mails wait."""
    notify = node(clock(), SMTP_URL=f"smtp://{HOST}:{free_port()}")
    async with serving(notify.app) as client:
        await notify.hear(say.card(), say.certified())
        answer = await client.get("/inbox/unread", headers=notify.learner(AYU))
        headers = notify.issuer.bearer("operator")
        summary = (await client.get("/notices/summary", headers=headers)).json()

    assert {"unread": 1} == answer.json()
    assert 1 == summary["undelivered"]
