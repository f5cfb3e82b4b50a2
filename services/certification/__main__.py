"""Runs the service: `python -m services.certification`."""

from services.certification.app import create_app
from services.certification.settings import Settings
from shared.web.engine import KafkaMongoEngine
from shared.web.service import serve

if __name__ == "__main__":
    settings = Settings.read()
    serve(create_app(settings, KafkaMongoEngine()), settings, "certification")
