"""A secured Apache Kafka of one's own: TLS with certificates made on the spot, SCRAM users, deny by default."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from deploy.embedded.parts import Part
from deploy.embedded.settings import LOOPBACK, NodeSettings
from deploy.engines.installing import engine
from deploy.engines.kafka import broker
from deploy.topics.certificates import Authority, Identity
from shared.bus.kafka.security import Security

MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256")
_LISTENERS = ("SASL_SSL", "SSL", "CONTROLLER")
_PASSWORD_BYTES = 24


@dataclass(frozen=True)
class Secured:
    """A broker that is about to run, or runs: by SCRAM at `bootstrap`, by certificates at `by_certificate`."""

    part: Part
    bootstrap: str
    by_certificate: str
    authority: Authority
    admin: Identity
    passwords: Mapping[str, str] = field(repr=False)

    @classmethod
    def planned(cls, settings: NodeSettings, home: Path, users: Iterable[str]) -> Self:
        """Describe a broker in `home` that knows these users; NodeError where no engine is installed."""
        names = tuple(users)
        found = engine(settings)
        moved = settings.elsewhere(home)
        ports = dict(zip(_LISTENERS, moved.ports.values(), strict=False))
        authority = Authority(home / "tls")
        own, admin = authority.vouch("broker"), authority.vouch("admin")
        passwords = {name: secrets.token_urlsafe(_PASSWORD_BYTES) for name in names}
        part = broker(
            found,
            home / "broker",
            ports["SASL_SSL"],
            ports["CONTROLLER"],
            properties=_properties(ports, authority, own),
            # Seen for a second by whoever may list this machine's processes, and good for this broker only.
            formatting=[
                f"--add-scram={mechanism}=[name={name},password={password}]"
                for name, password in passwords.items()
                for mechanism in MECHANISMS
            ],
        )
        part.more_ports = {**part.more_ports, "certificates": ports["SSL"]}
        part.answers = _listens
        return cls(
            part,
            f"{LOOPBACK}:{ports['SASL_SSL']}",
            f"{LOOPBACK}:{ports['SSL']}",
            authority,
            admin,
            passwords,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Run it for as long as the block lasts."""
        try:
            await self.part.spawn()
            await self.part.ready()
            yield self
        finally:
            await self.part.stop()

    def by_password(self, user: str, password: str | None = None) -> Security:
        """Tell how a user connects to `bootstrap`."""
        word = self.passwords[user] if password is None else password
        return Security("SASL_SSL", self.authority.file, username=user, password=word)

    @property
    def as_admin(self) -> Security:
        """Tell how the administrator connects to `by_certificate`."""
        return Security("SSL", self.authority.file, self.admin.certificate, self.admin.key)


def _properties(ports: Mapping[str, int], authority: Authority, own: Identity) -> dict[str, str]:
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    clients = ",".join(f"{name}://{LOOPBACK}:{ports[name]}" for name in ("SASL_SSL", "SSL"))
    return {
        "listeners": f"{clients},CONTROLLER://{LOOPBACK}:{ports['CONTROLLER']}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": "CONTROLLER:SSL,SSL:SSL,SASL_SSL:SASL_SSL",
        "inter.broker.listener.name": "SSL",
        "sasl.enabled.mechanisms": ",".join(MECHANISMS),
        **{f"listener.name.sasl_ssl.{each.lower()}.sasl.jaas.config": login for each in MECHANISMS},
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(own.both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "listener.name.ssl.ssl.client.auth": "required",
        "listener.name.controller.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": "User:broker;User:admin",
        "auto.create.topics.enable": "false",
    }


async def _listens(host: str, port: int) -> bool:
    """Tell whether it takes connections: what is said on them is for those it knows."""
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    return True
