"""Run notify: `python -m services.notify`."""

from services.notify.app import create_app
from services.notify.settings import Settings
from shared.web.engine import KafkaMongoEngine
from shared.web.service import serve

if __name__ == "__main__":
    settings = Settings.read()
    serve(create_app(settings, KafkaMongoEngine()), settings, "notify")
