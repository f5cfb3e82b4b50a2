"""The door to the mail server: letters as MIME messages, sent by SMTP."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notify.domain.letters import Letter, Outcome
from services.notify.domain.wording import one_line
from services.notify.ports import Postman
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable

_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_STARTTLS = {"smtp": None, "smtp+starttls": True, "smtps": False}
_PERMANENT = 500
_CLOSING = 421
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in, and how safely; a password is never shown."""

    host: str
    port: int
    scheme: str = "smtp"
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """Read `smtp://user:password@host:port`; ValueError for anything else."""
        message = (
            "SMTP_URL is smtp://, smtp+starttls:// or smtps:// with a host, and a port if need be"
        )
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            # What the library says may repeat a part of the password.
            raise ValueError(message) from None
        if parts.scheme not in _PORTS or not host:
            raise ValueError(message)
        return cls(
            host=host,
            port=port or _PORTS[parts.scheme],
            scheme=parts.scheme,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


class SmtpLetters:
    """Sends letters over one connection at a time."""

    def __init__(
        self,
        server: MailServer,
        sender: str,
        clock: Clock,
        *,
        timeout: float,
        ca_file: Path | None = None,
    ) -> None:
        """Send from an address such as `CorpU <corpu@example.go.id>`; ValueError if it is none, or a file no use."""
        name, address = parseaddr(sender)
        try:
            self._sender = Address(display_name=name, addr_spec=address)
        except (ValueError, LookupError, MessageError):
            raise ValueError("SMTP_FROM is an address, with a name before it if need be") from None
        self._server = server
        self._clock = clock
        self._timeout = timeout
        # Made once: reading the certificates of all authorities takes a while.
        try:
            self._tls = ssl.create_default_context(cafile=ca_file)
        except OSError as wrong:
            why = getattr(wrong, "reason", None) or wrong.strerror
            raise ValueError(f"SMTP_CA_FILE: {ca_file} cannot be used ({why})") from wrong

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Postman]:
        """Open a line; Unavailable while the server is away or does not let us in."""
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            use_tls=server.scheme == "smtps",
            start_tls=_STARTTLS[server.scheme],
            tls_context=self._tls,
            timeout=self._timeout,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as away:
            client.close()
            why = f"{type(away).__name__} {getattr(away, 'code', '')}".strip()
            raise Unavailable(f"the mail server cannot be used ({why})") from away
        try:
            yield _Line(client, self)
        finally:
            with suppress(aiosmtplib.SMTPException, OSError):
                await client.quit()
            client.close()

    def message(self, letter: Letter) -> EmailMessage:
        """Write a letter as a message, whose Message-ID is the same whenever it is sent."""
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._sender
        message["To"] = Address(display_name=_plain(letter.name), addr_spec=letter.address)
        message["Subject"] = _plain(letter.subject)
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<{letter.notice_id}@{self._sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = letter.language
        message.set_content(letter.text, cte="quoted-printable")
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
        return message

    @property
    def sender(self) -> str:
        """Tell the envelope's sender."""
        return self._sender.addr_spec


class _Line:
    """An open line to the mail server."""

    def __init__(self, client: aiosmtplib.SMTP, letters: SmtpLetters) -> None:
        self._client = client
        self._letters = letters

    async def send(self, letter: Letter) -> Outcome:
        try:
            message = self._letters.message(letter)
            await self._client.send_message(
                message, sender=self._letters.sender, recipients=[letter.address]
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            return _judged(refused.recipients[0])
        except aiosmtplib.SMTPSenderRefused as refused:
            # Our own address is at fault, not the letter: it must not cost every notice its e-mail.
            return Outcome("lost", f"sender {_code(refused)}")
        except aiosmtplib.SMTPResponseException as refused:
            return _judged(refused)
        except (aiosmtplib.SMTPException, OSError) as broken:
            return Outcome("lost", type(broken).__name__)
        except (ValueError, MessageError):
            # One letter that cannot be written must not keep those behind it from leaving.
            return Outcome("refused", "unwritable")
        return Outcome("sent")


def _plain(text: str) -> str:
    """Make one line that means in a header what it says, for headers decode `=?utf-8?q?...?=`."""
    return one_line(text).replace("=?", "= ?")


def _judged(refused: aiosmtplib.SMTPResponseException) -> Outcome:
    if refused.code == _CLOSING:
        return Outcome("lost", _code(refused))
    return Outcome("refused" if refused.code >= _PERMANENT else "deferred", _code(refused))


def _code(refused: aiosmtplib.SMTPResponseException) -> str:
    """Tell the server's code alone: its words may repeat the address."""
    enhanced = _ENHANCED.match(refused.message.strip())
    return f"{refused.code} {enhanced[0]}" if enhanced else str(refused.code)
