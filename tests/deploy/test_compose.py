"""The deploy files fit the source: each variable is one that is read, and each that is read can be set."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.embedded.settings import PORTS, ROOT, SERVICES, port_setting
from deploy.federation.mirrors import properties
from services.certification.settings import Settings as Certification
from services.enrolment.settings import Settings as Enrolment
from services.notify.settings import Settings as Notify
from services.progress.settings import Settings as Progress
from shared.web.identity import ROLES

NODE, FEDERATION = ROOT / "deploy/node/compose.yaml", ROOT / "deploy/federation/compose.yaml"
FILES = (NODE, FEDERATION)
SETTINGS: Mapping[str, type[BaseSettings]] = {
    "enrolment": Enrolment, "progress": Progress, "certification": Certification, "notify": Notify,
}  # fmt: skip
_VARIABLE = re.compile(r"(?:CORPU|MONGO|KAFKA|SMTP|OTEL)_[A-Z_]+")
_REFERENCE = re.compile(r"\$\{([A-Z_]+)")
_DEFAULT = re.compile(r"\$\{([A-Z_]+)(?::-((?:[^{}]|\$\{[^{}]*\})*))?\}")
# The image says the first one itself; the second one is for tests.
_NOT_IN_COMPOSE = {"CORPU_HOST", "CORPU_FAULT"}
# Read by the compose files alone, which give them to whom they concern.
_ONLY_IN_COMPOSE = {
    "CORPU_BIND", "CORPU_IMAGE", "CORPU_NODE_ROLE", "KAFKA_IMAGE", "KAFKA_CLUSTER_ID", "MONGO_IMAGE",
    "KEYCLOAK_IMAGE", "KEYCLOAK_URL", "KEYCLOAK_ADMIN", "KEYCLOAK_ADMIN_PASSWORD", "KAFKA_UI_IMAGE",
}  # fmt: skip


def _load(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return loaded


def _containers() -> Iterator[tuple[Path, str, dict[str, Any]]]:
    for file in FILES:
        for name, container in _load(file)["services"].items():
            yield file, name, container


ALL = {f"{file.parent.name}-{name}": container for file, name, container in _containers()}
OURS = {name: each for name, each in ALL.items() if "build" in each}
OF_A_SERVICE = {
    name: (each["command"][2].removeprefix("services."), each)
    for name, each in OURS.items()
    if str(each.get("command", ["", "", ""])[-1]).startswith("services.")
}


def _read_by(service: str) -> set[str]:
    """Tell the variables that a service's settings read."""
    return {str(field.alias) for field in SETTINGS[service].model_fields.values()}


def _read_by_any() -> set[str]:
    return {name for service in SERVICES for name in _read_by(service)}


def _read_by_deploy() -> set[str]:
    """Tell the variables that the command line and the embedded node read."""
    found = {port_setting(part) for part in PORTS} | {"JAVA_HOME"}
    for file in (ROOT / "deploy").rglob("*.py"):
        for each in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                found |= {each.value} if _VARIABLE.fullmatch(each.value) else set()
    return found - {"CORPU_FAULT"}


def _settled(value: object) -> str:
    """Tell what a value is where nobody sets anything."""
    text = str(value)
    while _DEFAULT.search(text):
        text = _DEFAULT.sub(lambda found: found[2] or "", text)
    return text


def _example() -> dict[str, str]:
    """Tell the variables of the example, those that are commented out too, with their values."""
    text = (NODE.parent / "env.example").read_text(encoding="utf-8")
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", text, re.MULTILINE))


@pytest.mark.parametrize("name", OURS)
def test_a_variable_that_is_set_is_one_that_is_read(name: str) -> None:
    """A misspelt variable would be passed over in silence."""
    known = _read_by_any() | _read_by_deploy() | {"CORPU_NODE_ROLE"}
    if name in OF_A_SERVICE:
        known = _read_by(OF_A_SERVICE[name][0])

    assert set() == set(OURS[name].get("environment", {})) - known


@pytest.mark.parametrize("service", SERVICES)
def test_a_variable_that_is_read_can_be_set(service: str) -> None:
    """Whatever a service can be told, the compose file passes on."""
    told = OURS[f"node-{service}"]["environment"]

    assert set() == _read_by(service) - set(told) - _NOT_IN_COMPOSE


@pytest.mark.parametrize("name", OF_A_SERVICE)
def test_what_is_set_by_default_is_accepted(name: str) -> None:
    """A service starts with what the file gives it, where a site sets nothing."""
    service, container = OF_A_SERVICE[name]
    told = {key: _settled(value) for key, value in container["environment"].items() if value}
    settings: Any = SETTINGS[service].model_validate(told)

    assert settings.node == ("62" if "kalteng" in name else "35")
    assert settings.mongo_database == f"corpu_{service}"
    assert f":{settings.port}" in container["ports"][0][-5:]


def test_the_example_names_what_the_compose_file_takes() -> None:
    """`.env` can say everything that the file leaves open, and nothing else."""
    text = "\n".join(
        line for line in NODE.read_text(encoding="utf-8").splitlines() if "#" not in line[:1]
    )
    passed = {
        key
        for name, each in OURS.items()
        if name.startswith("node-")
        for key, value in each.get("environment", {}).items()
        if value is None
    }

    assert set(_example()) == set(_REFERENCE.findall(text)) | passed


def test_the_examples_lines_are_true(tmp_path: Path) -> None:
    """Whoever takes every line, and has a password for the clusters, has settings that services take."""
    password = tmp_path / "password"
    password.write_text("hush", encoding="ascii")
    example = {key: value for key, value in _example().items() if value} | {
        "KAFKA_USERNAME": "enrolment", "KAFKA_PASSWORD_FILE": str(password),
        "MONGO_PASSWORD_FILE": str(password),
    }  # fmt: skip
    for settings in SETTINGS.values():
        settings.model_validate(
            {**example, "CORPU_JP_TARGETS": yaml.safe_load(example["CORPU_JP_TARGETS"])}
        )


def test_the_guide_tells_every_setting() -> None:
    """Whatever is read is explained, and nothing is that nobody reads."""
    text = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    explained = {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
        for name in re.findall(r"`([A-Z_]+)`", row)
    }
    ports = {port_setting(part) for part in PORTS}
    read = (_read_by_any() | _read_by_deploy()) - ports - {"CORPU_FAULT"}

    assert explained - _ONLY_IN_COMPOSE - ports == read


@pytest.mark.parametrize("name", OURS)
def test_a_container_of_ours_may_do_little(name: str) -> None:
    """It has no capability, gains none, and writes to its volumes only; Docker's logs do not grow for ever."""
    container = OURS[name]

    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", OF_A_SERVICE)
def test_a_service_waits_for_its_parts_and_comes_back(name: str) -> None:
    """Keys, store and topics are there before it; it is started again; it cannot take the machine's memory."""
    _, container = OF_A_SERVICE[name]
    awaited = container["depends_on"].items()

    assert {"keys", "peers", "replica-set", "topics"} > {
        key.removeprefix("jatim-").removeprefix("kalteng-") for key, _ in awaited
    }
    assert {"service_completed_successfully"} == {each["condition"] for _, each in awaited}
    assert container["restart"] == "unless-stopped"
    assert container["mem_limit"]


@pytest.mark.parametrize("name", ALL)
def test_nothing_is_reached_from_outside_unasked(name: str) -> None:
    """Ports are published on this machine only, unless a site says otherwise; a broker's and a store's never."""
    ports = ALL[name].get("ports", [])

    assert [] == [port for port in ports if not _settled(port).startswith("127.0.0.1:")]
    assert not (ports and name.endswith(("-kafka", "-mongo")))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_every_volume_is_declared_and_used(file: Path) -> None:
    """A volume that is not declared would be another one after the next start."""
    loaded = _load(file)
    used = {
        mount.split(":")[0]
        for each in loaded["services"].values()
        for mount in each.get("volumes", [])
        if not mount.startswith(".")
    }

    assert used == set(loaded["volumes"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_files_that_are_mounted_are_there(file: Path) -> None:
    """A file that is not there would be made, as a folder."""
    mounted = [
        mount.split(":")[0]
        for each in _load(file)["services"].values()
        for mount in each.get("volumes", [])
        if mount.startswith(".")
    ]

    assert [] == [each for each in mounted if not (file.parent / each).is_file()]


def test_containers_run_the_kafka_that_is_tested() -> None:
    """The image's version is the one that the engines' pom pins."""
    images = {_settled(each["image"]) for each in ALL.values() if "apache/kafka" in each["image"]}
    poms = "".join(each.read_text() for each in (ROOT / "deploy/engines").rglob("pom.xml"))
    pinned = set(re.findall(r"<kafka\.version>(.+)</kafka\.version>", poms))

    assert {f"apache/kafka:{each}" for each in pinned} == images


@pytest.mark.parametrize(
    ("name", "receiver", "source"), [("jatim", "35", "62"), ("kalteng", "62", "35")]
)
def test_a_mirror_copies_what_the_federation_demo_does(
    name: str, receiver: str, source: str
) -> None:
    """The mounted file says what the tested mirror is told, but for addresses and its own pace."""
    text = (FEDERATION.parent / f"{name}-mirror.properties").read_text(encoding="utf-8")
    told = dict(
        line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#")
    )
    tested = properties({"35": 1, "62": 2}, source=source, receiver=receiver)
    bound = {key for key in tested if "->" in key or "sync" in key or key.startswith("emit.")}

    assert {key: tested[key] for key in bound} == {
        key: told.get(key, "").replace("\\\\", "\\") for key in bound
    }


def test_the_realm_has_the_roles_that_routes_ask_for() -> None:
    """Keycloak's realm knows every role, and no other."""
    realm = yaml.safe_load((NODE.parent / "realm.json").read_text(encoding="utf-8"))

    assert set(ROLES) == {each["name"] for each in realm["roles"]["realm"]}


def test_the_image_runs_as_nobody_and_names_no_index() -> None:
    """Its last user is no root, its probe is ours, and what stays outside of it is really in the list."""
    text = (ROOT / "deploy/node/Dockerfile").read_text(encoding="utf-8")
    left_out = re.findall(r"!/\^\(([^)]+)\)==/", text)[0].split("|")
    pinned = (ROOT / "requirements/run.txt").read_text(encoding="utf-8")

    assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1] == "10001:10001"
    assert [] == re.findall(r"https?://(?!127\.0\.0\.1)|--index|--trusted", text)
    assert "deploy.probe" in text
    assert [] == [each for each in left_out if f"\n{each}==" not in pinned]


def test_the_image_holds_source_and_nothing_else() -> None:
    """The build sees what runs, whatever else lies in the folder."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}

    assert "*" in lines
    assert {"requirements/run.txt", "deploy", "services", "shared"} == kept
