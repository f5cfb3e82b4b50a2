"""Runs the service: `python -m services.enrolment`."""

from services.enrolment.app import create_app
from services.enrolment.settings import Settings
from shared.web.engine import KafkaMongoEngine
from shared.web.service import serve

if __name__ == "__main__":
    settings = Settings.read()
    serve(create_app(settings, KafkaMongoEngine()), settings, "enrolment")
