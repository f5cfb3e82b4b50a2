"""What every service is told by its environment; read in composition roots only."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from shared.bus.kafka.security import Security
from shared.kernel.errors import Unavailable
from shared.kernel.regions import is_region
from shared.store.mongo import check_address

# A setting that is there and empty, as container files write it, is as good as none.
File = Annotated[Path | None, BeforeValidator(lambda given: given or None)]
"""A file, or none."""


class KafkaSettings(BaseSettings):
    """Where the brokers are and how they are reached; files are read when the settings are.

    `KAFKA_PASSWORD_FILE` goes in place of `KAFKA_PASSWORD`. With `KAFKA_SECURITY_PROTOCOL=SSL` the client
    certificate names the principal, with `SASL_SSL` and `SASL_PLAINTEXT` the user name does.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    kafka_bootstrap: str = Field("127.0.0.1:9092", alias="KAFKA_BOOTSTRAP")
    kafka_protocol: Annotated[
        Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        BeforeValidator(lambda given: given or "PLAINTEXT"),
    ] = Field("PLAINTEXT", alias="KAFKA_SECURITY_PROTOCOL")
    kafka_ca_file: File = Field(None, alias="KAFKA_CA_FILE")
    kafka_certificate_file: File = Field(None, alias="KAFKA_CERTIFICATE_FILE")
    kafka_key_file: File = Field(None, alias="KAFKA_KEY_FILE")
    kafka_mechanism: Annotated[
        Literal["SCRAM-SHA-256", "SCRAM-SHA-512"],
        BeforeValidator(lambda given: given or "SCRAM-SHA-512"),
    ] = Field("SCRAM-SHA-512", alias="KAFKA_SASL_MECHANISM")
    kafka_username: str = Field("", alias="KAFKA_USERNAME")
    kafka_password: SecretStr = Field(SecretStr(""), alias="KAFKA_PASSWORD")
    kafka_password_file: File = Field(None, alias="KAFKA_PASSWORD_FILE")

    @classmethod
    def read(cls) -> Self:
        """Read the environment; what cannot be meant is one line on standard error and exit status 1."""
        try:
            return cls()
        except (ValidationError, SettingsError) as wrong:
            raise SystemExit(f"the settings cannot be used: {complaint(wrong)}") from None

    @property
    def security(self) -> Security:
        """Tell how connections are secured; ValueError where the password's file cannot be read."""
        return Security(
            self.kafka_protocol,
            self.kafka_ca_file,
            self.kafka_certificate_file,
            self.kafka_key_file,
            self.kafka_mechanism,
            self.kafka_username,
            secret(self.kafka_password, self.kafka_password_file, "KAFKA_PASSWORD"),
        )

    @field_validator("kafka_bootstrap")
    @classmethod
    def _addresses(cls, given: str) -> str:
        if not all(map(_is_address, given.split(","))):
            raise ValueError("brokers are named as host:port, with commas between")
        return given

    @model_validator(mode="after")
    def _can_connect(self) -> Self:
        if contradiction := "; ".join(self._contradictions()):
            raise ValueError(contradiction)
        try:
            self.security.options()
        except Unavailable as wrong:
            raise ValueError(str(wrong)) from wrong
        return self

    def _contradictions(self) -> Iterator[str]:
        """Tell what cannot be meant together: nothing that was set is passed over in silence."""
        protocol, password = self.kafka_protocol, self.kafka_password.get_secret_value()
        if protocol.startswith("SASL"):
            if not (self.kafka_username and (password or self.kafka_password_file)):
                yield f"{protocol} needs KAFKA_USERNAME, and KAFKA_PASSWORD or KAFKA_PASSWORD_FILE"
        elif self.kafka_username or password or self.kafka_password_file:
            yield f"{protocol} knows no user: KAFKA_SECURITY_PROTOCOL must be SASL_SSL for one"
        files = (self.kafka_ca_file, self.kafka_certificate_file, self.kafka_key_file)
        if not protocol.endswith("SSL") and any(files):
            yield f"{protocol} uses no certificates: KAFKA_SECURITY_PROTOCOL must be SSL or SASL_SSL"
        if (self.kafka_certificate_file is None) != (self.kafka_key_file is None):
            yield "KAFKA_CERTIFICATE_FILE and KAFKA_KEY_FILE go together"


class ServiceSettings(KafkaSettings):
    """The settings that all services share; a service's own settings derive from it.

    `MONGO_URI` tells how the store is secured as well (`tls`, `tlsCAFile`, the user, `authSource` …);
    `MONGO_PASSWORD_FILE` keeps the password out of it.
    """

    node: str = Field("35", alias="CORPU_NODE", pattern=r"^[0-9]{2}(\.[0-9]{2})?$")
    host: str = Field("127.0.0.1", alias="CORPU_HOST")
    port: int = Field(0, alias="CORPU_PORT")
    public_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8103"), alias="CORPU_PUBLIC_URL")
    mongo_uri: str = Field("mongodb://127.0.0.1:27017", alias="MONGO_URI", repr=False)
    mongo_password_file: File = Field(None, alias="MONGO_PASSWORD_FILE")
    mongo_database: str = Field("", alias="MONGO_DATABASE")
    kafka_idempotent: bool = Field(default=True, alias="KAFKA_IDEMPOTENT")
    kafka_session_ms: int = Field(10_000, alias="KAFKA_SESSION_MS", ge=1_000, le=300_000)
    kafka_partitions: int = Field(6, alias="KAFKA_PARTITIONS", ge=1, le=1000)
    kafka_replication: int = Field(1, alias="KAFKA_REPLICATION", ge=1, le=7)
    restate_on_start: bool = Field(default=False, alias="CORPU_RESTATE_ON_START")
    jwks: str = Field("", alias="CORPU_JWKS")
    issuer: str = Field("", alias="CORPU_ISSUER")
    audience: str = Field("corpu", alias="CORPU_AUDIENCE")
    token_algorithm: str = Field(
        "ES256", alias="CORPU_TOKEN_ALGORITHM", pattern="^(ES256|RS256|EdDSA)$"
    )
    pseudonym_key_file: Path = Field(
        Path(".corpu/keys/pseudonym.hex"), alias="CORPU_PSEUDONYM_KEY_FILE"
    )
    node_keys: File = Field(None, alias="CORPU_NODE_KEYS")
    peers_file: Path = Field(Path(".corpu/keys/peers.json"), alias="CORPU_PEERS_FILE")
    node_name: str = Field("", alias="CORPU_NODE_NAME", max_length=200)
    heads_seconds: float = Field(60.0, alias="CORPU_HEADS_SECONDS", ge=0.2, le=3600)
    parked_days: int = Field(90, alias="CORPU_PARKED_DAYS", ge=1, le=36_500)
    max_body: int = Field(12_000_000, alias="CORPU_MAX_BODY", ge=1_000)
    trace_ratio: float = Field(0.0, alias="CORPU_TRACE_RATIO", ge=0, le=1)
    otlp_endpoint: str = Field("", alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    fault: str = Field("", alias="CORPU_FAULT")

    @field_validator("node")
    @classmethod
    def _known(cls, node: str) -> str:
        if not is_region(node):
            raise ValueError("a node is named by the code of a region in a known province")
        return node

    @field_validator("node_name")
    @classmethod
    def _shown(cls, name: str) -> str:
        if not name.isprintable():
            raise ValueError("a node's name is one line that can be printed")
        return name

    @property
    def parked_kept_for(self) -> timedelta:
        """Tell for how long messages are kept that were parked and then replayed or dropped."""
        return timedelta(days=self.parked_days)

    @property
    def mongo_password(self) -> str:
        """Tell the password of the user in `MONGO_URI`, if it stands in a file; ValueError where that is no use."""
        return mongo_password(self.mongo_password_file)

    @model_validator(mode="after")
    def _can_open(self) -> Self:
        try:
            check_address(self.mongo_uri, self.mongo_password)
        except ValueError as wrong:
            raise ValueError(f"MONGO_URI: {wrong}") from wrong
        return self


def _is_address(given: str) -> bool:
    try:
        told = urlsplit(f"//{given.strip()}")
        return bool(told.hostname and told.port) and told.netloc == given.strip()
    except ValueError:
        return False


def secret(given: SecretStr, file: Path | None, name: str) -> str:
    """Take a secret from where it stands; ValueError where it stands twice or the file holds none."""
    if file is None:
        return given.get_secret_value()
    if given.get_secret_value():
        raise ValueError(f"{name} and {name}_FILE cannot both be set")
    try:
        held = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as wrong:
        why = getattr(wrong, "strerror", None) or "it is not text"
        raise ValueError(f"{name}_FILE: {file} cannot be read ({why})") from wrong
    if not held:
        raise ValueError(f"{name}_FILE: {file} is empty")
    return held


def mongo_password(file: Path | None) -> str:
    """Tell the password that stands in `MONGO_PASSWORD_FILE`, "" without one; ValueError where that is no use."""
    return secret(SecretStr(""), file, "MONGO_PASSWORD")


def complaint(wrong: ValidationError | SettingsError) -> str:
    """Tell in one line which settings are wrong, without what they hold."""
    if isinstance(wrong, SettingsError):
        return str(wrong).splitlines()[0]
    return "; ".join(
        ": ".join([*map(str, each["loc"]), each["msg"].removeprefix("Value error, ")])
        for each in wrong.errors(include_input=False, include_url=False, include_context=False)
    )
