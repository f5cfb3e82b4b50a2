"""`engines`: the production broker and mirror that this machine can run without Docker."""

from deploy.cli.lines import say, table, tell, tell_json
from deploy.embedded.settings import NodeSettings
from deploy.engines.installing import KAFKA, install, jars


def install_engines(*, as_json: bool) -> int:
    """Get the engines unless they are here; NodeError says in one line why they cannot be had."""
    engine, fresh = install(NodeSettings.read(), say)
    if as_json:
        tell_json(
            {
                "kafka": KAFKA.version,
                "jars": str(engine.jars),
                "java": engine.java,
                "installed": fresh,
            }
        )
    else:
        was = "is installed" if fresh else "was installed already"
        tell(f"Apache Kafka {KAFKA.version} with MirrorMaker 2 {was} in {engine.jars}")
    return 0


def list_engines(*, as_json: bool) -> int:
    """Tell which engines are here, and where they belong."""
    settings = NodeSettings.read()
    present = jars(settings) is not None
    place = KAFKA.folder(settings)
    if as_json:
        found = {
            "name": "kafka",
            "version": KAFKA.version,
            "folder": str(place),
            "present": present,
        }
        tell_json({"engines": [found]})
    else:
        row = ("kafka", KAFKA.version, "yes" if present else "no", place)
        table(("engine", "version", "present", "folder"), [row])
    return 0
