"""What every service is told by its environment; read in composition roots only."""

from pathlib import Path

from pydantic import Field, HttpUrl, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.kernel.regions import is_region


class ServiceSettings(BaseSettings):
    """The settings that all services share; a service's own settings derive from it."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    node: str = Field("35", alias="CORPU_NODE", pattern=r"^[0-9]{2}(\.[0-9]{2})?$")
    host: str = Field("127.0.0.1", alias="CORPU_HOST")
    port: int = Field(0, alias="CORPU_PORT")
    public_url: HttpUrl = Field(HttpUrl("http://127.0.0.1:8103"), alias="CORPU_PUBLIC_URL")
    mongo_uri: str = Field("mongodb://127.0.0.1:27017", alias="MONGO_URI")
    mongo_database: str = Field("", alias="MONGO_DATABASE")
    kafka_bootstrap: str = Field("127.0.0.1:9092", alias="KAFKA_BOOTSTRAP")
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
