"""A real mail server in the test's own process, which takes, refuses or dawdles as told."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from threading import Event
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.embedded.settings import free_port
from shared.kernel.clock import SystemClock

HOST = "localhost"


@dataclass
class Mailbox:
    """What a mail server was handed; `says` are its answers by recipient or by command."""

    says: dict[str, str] = field(default_factory=dict)
    user: str = "corpu"
    password: str = "p@ss:word"
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    go_on: Event = field(default_factory=Event)

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender, or answer as told."""
        del server, session
        if answer := self.says.get("MAIL"):
            return answer
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's own name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or answer as told."""
        del server, session, options
        if answer := self.says.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's own name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Take a letter, or answer as told: `hang` never answers, `drop` hangs up."""
        answer = self.says.get("DATA")
        if answer == "hang":
            await server.loop.run_in_executor(None, self.go_on.wait)
        elif answer == "drop":
            assert server.transport is not None
            server.transport.close()
        elif answer:
            return answer
        content = envelope.content
        letter = message_from_bytes(content if isinstance(content, bytes) else b"", policy=default)
        self.letters.append(letter)
        self.recipients.append(envelope.rcpt_tos)
        self.tls.append(session.ssl is not None)
        return "250 2.0.0 taken"

    def login(
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        mechanism: str,
        data: Any,  # noqa: ANN401
    ) -> AuthResult:
        """Let the one user in."""
        del server, session, envelope, mechanism
        known = isinstance(data, LoginPassword) and (data.login, data.password) == (
            self.user.encode(),
            self.password.encode(),
        )
        if known:
            self.logins.append(self.user)
        return AuthResult(success=known, handled=False)


@contextmanager
def mail_server(
    mailbox: Mailbox, *, tls: "Certificate | None" = None, starttls: bool = False,
    asks_login: bool = False,
) -> Iterator[int]:  # fmt: skip
    """Run a mail server and give its port."""
    port = free_port()
    wrapped = tls.context() if tls and not starttls else None
    offered = tls.context() if tls and starttls else None
    controller = Controller(
        mailbox, hostname=HOST, port=port, ssl_context=wrapped, tls_context=offered,
        authenticator=mailbox.login, auth_required=asks_login, auth_require_tls=offered is not None,
    )  # fmt: skip
    controller.start()
    try:
        yield port
    finally:
        mailbox.go_on.set()
        controller.stop()


@dataclass(frozen=True)
class Certificate:
    """A certificate for HOST that nobody else has signed, and its key."""

    file: Path

    @classmethod
    def made_in(cls, folder: Path) -> "Certificate":
        """Make one in a folder."""
        key, now = ec.generate_private_key(ec.SECP256R1()), SystemClock().now()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        file = folder / "mail.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return cls(file)

    def context(self) -> ssl.SSLContext:
        """Make what a server needs to speak TLS with it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context
