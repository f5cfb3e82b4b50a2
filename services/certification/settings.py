"""What the certification service is told by its environment."""

from pydantic import Field

from shared.web.settings import ServiceSettings


class Settings(ServiceSettings):
    """The shared settings, with this service's own port and database.

    `account_seconds` is the pause between two looks for numbers that no dossier accounts for;
    `verify_rate` is how often one address may verify, in the words of the library `limits`.
    """

    port: int = Field(8103, alias="CORPU_PORT")
    mongo_database: str = Field("certification", alias="MONGO_DATABASE")
    account_seconds: float = Field(30.0, alias="CORPU_ACCOUNT_SECONDS", gt=0)
    verify_rate: str = Field(
        "120 per minute",
        alias="CORPU_VERIFY_RATE",
        pattern=r"^[1-9][0-9]* per (second|minute|hour)$",
    )
    renderings: int = Field(2, alias="CORPU_RENDERINGS", ge=1, le=32)
