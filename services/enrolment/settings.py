"""What the enrolment service is told by its environment."""

from pydantic import Field

from shared.web.settings import ServiceSettings


class Settings(ServiceSettings):
    """The shared settings, with this service's own port and database."""

    port: int = Field(8101, alias="CORPU_PORT")
    mongo_database: str = Field("enrolment", alias="MONGO_DATABASE")
    finish_seconds: float = Field(2.0, alias="CORPU_FINISH_SECONDS", gt=0)
