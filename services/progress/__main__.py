"""Runs progress: `python -m services.progress`."""

from services.progress.app import create_app
from services.progress.settings import Settings
from shared.web.engine import KafkaMongoEngine
from shared.web.service import serve

if __name__ == "__main__":
    settings = Settings.read()
    serve(create_app(settings, KafkaMongoEngine()), settings, "progress")
