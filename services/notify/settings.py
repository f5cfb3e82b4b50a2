"""What notify is told by its environment."""

from datetime import timedelta

from pydantic import Field, SecretStr, field_validator

from shared.web.settings import File, ServiceSettings


class Settings(ServiceSettings):
    """The settings of notify; without `SMTP_URL` the node has no e-mail channel.

    `SMTP_URL` is `smtp://user:password@host:port` (STARTTLS when offered), `smtp+starttls://…`
    (never without it) or `smtps://…`. `CORPU_MAIL_WITHIN_DAYS` keeps a restored store from writing
    about what happened longer ago.
    """

    port: int = Field(8104, alias="CORPU_PORT")
    smtp_url: SecretStr = Field(SecretStr(""), alias="SMTP_URL")
    smtp_from: str = Field("CorpU <corpu@localhost>", alias="SMTP_FROM")
    smtp_ca_file: File = Field(None, alias="SMTP_CA_FILE")
    smtp_timeout: float = Field(30.0, alias="SMTP_TIMEOUT", gt=0, le=100)
    mail_within_days: int | None = Field(None, alias="CORPU_MAIL_WITHIN_DAYS", ge=1)

    @field_validator("smtp_from")
    @classmethod
    def _one_line(cls, given: str) -> str:
        if not given.isprintable() or "@" not in given:
            message = "an address is one line with an @ in it"
            raise ValueError(message)
        return given

    @property
    def mail_within(self) -> timedelta | None:
        """Tell how long ago something may have happened to be written about; None is for ever."""
        return None if self.mail_within_days is None else timedelta(days=self.mail_within_days)
