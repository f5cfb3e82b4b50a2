"""What an embedded node reads of its environment."""

from pathlib import Path

import pytest

from deploy.embedded.settings import PORTS, SERVICES, NodeError, NodeSettings
from deploy.stores.databases import places


def test_a_bare_environment_gives_the_documented_defaults() -> None:
    """Without any setting the node is East Java's, on the documented ports."""
    settings = NodeSettings.read({})

    assert ("35", "127.0.0.1", PORTS) == (settings.node, settings.host, settings.ports)
    assert ".corpu" == settings.home.name
    assert ("urn:corpu:35", "corpu") == (settings.issuer, settings.audience)


def test_every_setting_can_be_given() -> None:
    """Home, node, host, ports and issuer come from the environment."""
    settings = NodeSettings.read(
        {
            "CORPU_HOME": "/srv/corpu",
            "CORPU_NODE": "35.73",
            "CORPU_HOST": "192.0.2.7",
            "CORPU_BROKER_PORT": "19092",
            "CORPU_ISSUER": "https://login.example",
            "CORPU_AUDIENCE": "learning",
        }
    )

    assert Path("/srv/corpu") == settings.home
    assert ("35.73", "192.0.2.7", 19092) == (settings.node, settings.host, settings.ports["broker"])
    assert "https://login.example" == settings.of("progress")["CORPU_ISSUER"]
    assert "learning" == settings.of("progress")["CORPU_AUDIENCE"]


@pytest.mark.parametrize("text", ["0", "65536", "-1", "9o92", "²", "9092.0", "123456"])
def test_a_port_that_is_none_is_one_clear_line(text: str) -> None:
    """A port that cannot be one names its setting."""
    with pytest.raises(NodeError) as refused:
        NodeSettings.read({"CORPU_STORE_PORT": text})

    assert f"CORPU_STORE_PORT must be a port from 1 to 65535, not {text!r}" == str(refused.value)


def test_a_node_that_is_no_region_is_one_clear_line() -> None:
    """A node is named by its region code."""
    with pytest.raises(NodeError) as refused:
        NodeSettings.read({"CORPU_NODE": "jatim"})

    assert ("CORPU_NODE must be a region code such as 35 or 35.73, not 'jatim'") == str(
        refused.value
    )


def test_one_services_own_setting_goes_before_the_shared_one() -> None:
    """`PROGRESS_MONGO_URI` speaks for progress, `MONGO_URI` for the rest."""
    settings = NodeSettings.read(
        {
            "MONGO_URI": "mongodb://all",
            "PROGRESS_MONGO_URI": "mongodb://own",
            "PROGRESS_KAFKA_BOOTSTRAP": "own:9092",
            "PROGRESS_KAFKA_IDEMPOTENT": "false",
            "PROGRESS_MONGO_DATABASE": "learning",
            "SMTP_URL": "smtp://mail.example",
            "CORPU_FAULT": "store.keep:before:1",
        }
    )
    own, other = settings.of("progress"), settings.of("notify")

    assert ("mongodb://own", "mongodb://all") == (own["MONGO_URI"], other["MONGO_URI"])
    assert ("own:9092", "127.0.0.1:9092") == (own["KAFKA_BOOTSTRAP"], other["KAFKA_BOOTSTRAP"])
    assert ("false", "false") == (own["KAFKA_IDEMPOTENT"], own["CORPU_RESTATE_ON_START"])
    assert ("learning", "corpu_notify") == (own["MONGO_DATABASE"], other["MONGO_DATABASE"])
    assert "smtp://mail.example" == other["SMTP_URL"]
    assert "CORPU_FAULT" not in own


def test_each_service_has_its_own_principal_at_brokers_that_are_given() -> None:
    """What is set for all holds for each that has none of its own; the node's own broker knows no users."""
    secured = {
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "NOTIFY_KAFKA_USERNAME": "notify",
        "NOTIFY_KAFKA_PASSWORD_FILE": "/run/secrets/notify",
        "NOTIFY_MONGO_PASSWORD_FILE": "/run/secrets/store",
    }
    given = NodeSettings.read({"KAFKA_BOOTSTRAP": "broker:9093", **secured}).of("notify")
    own = NodeSettings.read(secured).of("notify")

    assert ("SASL_SSL", "notify") == (given["KAFKA_SECURITY_PROTOCOL"], given["KAFKA_USERNAME"])
    assert ("", "") == (own["KAFKA_SECURITY_PROTOCOL"], own["KAFKA_USERNAME"])
    assert {"/run/secrets/store"} == {each["MONGO_PASSWORD_FILE"] for each in (given, own)}


def test_secrets_in_the_environment_are_not_shown() -> None:
    """Settings that are printed do not show what the environment holds."""
    assert "hush" not in repr(NodeSettings.read({"SMTP_URL": "smtp://u:hush@mail"}))


def test_two_nodes_elsewhere_do_not_meet(tmp_path: Path) -> None:
    """A moved node has its own home, and ports that no other moved one has."""
    first, second = (NodeSettings.read({}).elsewhere(tmp_path / name) for name in "ab")

    assert tmp_path / "a" == first.home
    assert PORTS.keys() == first.ports.keys()
    assert 2 * len(PORTS) == len({*first.ports.values(), *second.ports.values()})


def test_a_node_that_others_run_is_named_by_its_addresses() -> None:
    """CORPU_ADDRESSES names each service once, and a node of one's own elsewhere is another one."""
    told = ",".join(f"{name}=https://{name}.example" for name in SERVICES)
    settings = NodeSettings.read({"CORPU_ADDRESSES": told})

    assert {name: f"https://{name}.example" for name in SERVICES} == settings.addresses
    assert {} == NodeSettings.read({}).addresses
    assert {} == settings.elsewhere(Path("/srv")).addresses


@pytest.mark.parametrize("text", ["http://a", "enrolment=http://a", "enrolment", "a=b,c=d"])
def test_addresses_that_cannot_be_meant_are_one_clear_line(text: str) -> None:
    """Three services of four are no node."""
    with pytest.raises(NodeError, match="an http address for each service, such as enrolment="):
        NodeSettings.read({"CORPU_ADDRESSES": text})


@pytest.mark.parametrize("address", ["http://", "http://[", "http://a:99999", "http://a:0"])
def test_an_address_that_nobody_can_reach_is_one_clear_line(address: str) -> None:
    """An address has a host, and a port that there is."""
    with pytest.raises(NodeError, match="an http address for each service"):
        NodeSettings.read({"CORPU_ADDRESSES": ",".join(f"{name}={address}" for name in SERVICES)})


@pytest.mark.parametrize("name", ["CORPU_HOME", "CORPU_AUDIENCE", "PROGRESS_MONGO_URI"])
def test_a_setting_that_is_no_text_is_named(name: str) -> None:
    """Bytes that are no UTF-8 are refused where they come in; what is not the node's is let be."""
    strange = b"a\xff".decode(errors="surrogateescape")

    with pytest.raises(NodeError, match=f"^{name} is not text in UTF-8"):
        NodeSettings.read({name: strange})
    assert NodeSettings.read({"LS_COLORS": strange}).node == "35"


def test_a_run_of_its_own_meets_nothing_in_a_shared_store() -> None:
    """Databases are named for the run, whatever store is given."""
    settings = NodeSettings.read({"MONGO_URI": "mongodb://store", "PROGRESS_MONGO_DATABASE": "p"})

    told = settings.apart("bench-1")

    assert {f"bench-1_{name}" for name in SERVICES} == {
        told.of(name)["MONGO_DATABASE"] for name in SERVICES
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"MONGO_URI": "store:27017"}, "an address begins with mongodb://"),
        ({"PROGRESS_MONGO_URI": "mongodb://u:hush@store:x"}, "Port contains non-digit characters"),
        (
            {"MONGO_PASSWORD_FILE": "/nowhere"},
            "MONGO_PASSWORD_FILE: /nowhere cannot be read (No such",
        ),
        ({"MONGO_PASSWORD_FILE": "/dev/null"}, "MONGO_PASSWORD_FILE: /dev/null is empty"),
    ],
)
def test_a_store_that_cannot_be_meant_is_one_clear_line(given: dict[str, str], said: str) -> None:
    """Before anything is asked, and without what may be a password."""
    with pytest.raises(
        NodeError, match=r"^the store of (enrolment|progress) \(MONGO_URI\)"
    ) as told:
        places(NodeSettings.read(given))

    assert said in str(told.value)
    assert "hush" not in str(told.value)
