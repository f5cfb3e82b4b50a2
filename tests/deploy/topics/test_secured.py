"""A secured Apache Kafka, as the services meet it: TLS, users, certificates, and no right too many."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from aiokafka.protocol.admin import DeleteTopicsRequest

from deploy.embedded.settings import ROOT, NodeSettings, free_port
from deploy.erasing.records import Cleaning
from deploy.topics.applying import apply
from deploy.topics.certificates import Authority
from deploy.topics.cluster import Cluster as Administered
from deploy.topics.rights import Acl, Operation, Resource, Right
from deploy.topics.secured import Secured
from deploy.topics.session import session
from deploy.topics.verifying import STRANGER, read_passwords, verify_given, verify_own
from shared.bus.delivery import Delivery
from shared.bus.kafka import Cluster, KafkaBus, open_kafka
from shared.bus.kafka.security import Security
from shared.kernel.errors import Unavailable
from shared.kernel.ids import fresh
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from shared.web.settings import KafkaSettings
from tests.support.boxes import KINDS, SOURCE, BoxWork
from tests.support.deliveries import FailingStore, left, subscription, told
from tests.support.secured import WANTED, administered
from tests.support.waiting import until

pytestmark = [pytest.mark.real, pytest.mark.slow]
_PATIENCE = 180.0


@asynccontextmanager
async def opened(own: Secured, user: str) -> AsyncIterator[KafkaBus]:
    """Open the bus as a service does."""
    cluster = Cluster(own.bootstrap, security=own.by_password(user))
    async with open_kafka(cluster, f"corpu-35-{user}") as bus:
        yield bus


def works_over(bus: KafkaBus) -> Works[BoxWork]:
    """Work on boxes that tell their facts to a bus."""
    store = FailingStore()
    return Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, bus.publish))


async def test_a_service_publishes_reads_and_remembers_by_tls_and_scram(own: Secured) -> None:
    """The whole bus works for the principal whose topic and groups these are, without a right to make topics."""
    async with opened(own, "enrolment") as bus:
        works = works_over(bus)
        async with bus.running([Delivery(subscription("enrolment.secured"), works)]):
            await bus.publish([told(left(f"e{number}")) for number in range(5)])
            await until(lambda: _count(works), equals=5, within=_PATIENCE)
        before = await bus.remembers("restated.enrolment")
        await bus.remember("restated.enrolment")
        after = await bus.remembers("restated.enrolment")
        await bus.ping()

    assert (False, True) == (before, after)


async def test_the_shorter_scram_mechanism_will_do_as_well(own: Secured) -> None:
    """Some clusters offer SCRAM-SHA-256 only."""
    security = replace(own.by_password("progress"), mechanism="SCRAM-SHA-256")

    async with open_kafka(Cluster(own.bootstrap, security=security), "corpu-256") as bus:
        await bus.ping()


async def test_a_certificate_names_the_principal_as_well(own: Secured) -> None:
    """With mutual TLS nobody needs a password."""
    identity = own.authority.vouch("enrolment")
    security = Security("SSL", own.authority.file, identity.certificate, identity.key)

    async with open_kafka(Cluster(own.by_certificate, security=security), "corpu-mtls") as bus:
        await bus.publish([told(left("by-certificate"))])
        with pytest.raises(Unavailable, match=r"restated\.progress"):
            await bus.remember("restated.progress")


async def test_a_topic_of_another_service_cannot_be_written(own: Secured) -> None:
    """The refusal names the topic, and the fact stays in its outbox."""
    async with opened(own, "notify") as bus:
        with pytest.raises(Unavailable) as refused:
            await bus.publish([told(left("e"))])

    assert "the broker grants no right to topic enrolment" == str(refused.value)


async def test_a_group_of_another_service_cannot_be_joined(
    own: Secured, caplog: pytest.LogCaptureFixture
) -> None:
    """The reader waits and says why; it neither dies nor writes a traceback."""
    name = f"progress.spy-{fresh()[:8]}"
    async with opened(own, "notify") as bus:
        async with bus.running([Delivery(subscription(name), works_over(bus))]):
            said = f"{name} waits: the broker grants no right to group {name}"
            await until(lambda: said in caplog.messages, within=_PATIENCE)
        assert {name: 1} != bus.lag()

    assert [] == [each for each in caplog.records if each.exc_info]


def _wrong(own: Secured, folder: Path) -> Iterator[tuple[str, str, Security]]:
    """Tell wrong ways to connect, each with what must be said."""
    right = own.by_password("progress")
    foreign = Authority(folder / "foreign").file
    yield own.bootstrap, "refuses the user name or the password", replace(right, password="wrong")
    yield own.bootstrap, "refuses the user name or the password", replace(right, username="nobody")
    yield own.bootstrap, "certificate that is not trusted", replace(right, ca_file=foreign)
    yield own.bootstrap, "certificate that is not trusted", replace(right, ca_file=None)
    yield own.bootstrap, "does not know this SASL mechanism", replace(right, mechanism="PLAIN")
    yield own.bootstrap, "closes the connection", Security()
    yield own.by_certificate, "closes the connection", Security("SSL", own.authority.file)
    yield own.bootstrap, "gone.pem cannot be used", replace(right, ca_file=folder / "gone.pem")


async def test_whoever_connects_wrongly_is_told_what_is_wrong(own: Secured, tmp_path: Path) -> None:
    """A password, an authority, a mechanism, a protocol: each has words of its own, without the secret."""
    for bootstrap, said, security in _wrong(own, tmp_path):
        with pytest.raises(Unavailable) as refused:
            async with open_kafka(Cluster(bootstrap, security=security), "corpu-wrong"):
                pass

        assert said in str(refused.value)
        assert own.passwords["progress"] not in repr(security)


async def test_a_topic_that_is_missing_is_waited_for_until_an_administrator_made_it(
    own: Secured,
) -> None:
    """A service without the right to make topics says which ones are missing and who makes them."""
    async with session(own.by_certificate, own.as_admin) as admin:
        await admin.ask(DeleteTopicsRequest(["certification"], 10_000))
    await until(lambda: administered(own, _names_certification), equals=False)
    try:
        with pytest.raises(Unavailable) as missing:
            async with opened(own, "progress"):
                pass
    finally:
        await administered(own, lambda cluster: apply(WANTED, cluster))

    async with opened(own, "progress") as bus:
        await bus.ping()
    assert (
        "these topics are missing, and only an administrator may make them "
        "(`./corpu topics apply`): certification"
    ) == str(missing.value)


async def _names_certification(cluster: Administered) -> bool:
    return "certification" in await cluster.topics()


async def test_a_service_with_a_wrong_password_waits_until_it_has_the_right_one(
    own: Secured, mongo: str, tmp_path: Path
) -> None:
    """It says why, once, goes on trying, and writes neither a traceback nor a password."""
    password, log, port = tmp_path / "password", tmp_path / "notify.log", free_port()
    password.write_text("hush-hush\n", encoding="utf-8")
    service = _started(
        log,
        CORPU_PORT=str(port),
        CORPU_JWKS="https://localhost/keys",
        MONGO_URI=mongo,
        MONGO_DATABASE=f"notify-{fresh()[:8]}",
        KAFKA_BOOTSTRAP=own.bootstrap,
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_CA_FILE=str(own.authority.file),
        KAFKA_USERNAME="notify",
        KAFKA_PASSWORD_FILE=str(password),
    )
    said = "waiting: the broker refuses the user name or the password"
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            await until(lambda: said in log.read_text(encoding="utf-8"), within=_PATIENCE)
            before = (await client.get("/readyz")).status_code
            password.write_text(f"{own.passwords['notify']}\n", encoding="utf-8")
            await until(lambda: _status(client, "/readyz"), equals=200, within=_PATIENCE)
    finally:
        service.kill()
        service.wait()

    told_so = log.read_text(encoding="utf-8")
    assert (503, 1) == (before, told_so.count(said))
    assert "Traceback" not in told_so
    assert "hush-hush" not in told_so


async def _status(client: httpx2.AsyncClient, path: str) -> int:
    return (await client.get(path)).status_code


def _started(log: Path, **environment: str) -> subprocess.Popen[bytes]:
    with log.open("wb") as written:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "services.notify"],
            env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environment},
            stderr=written,
            stdout=written,
        )


async def test_the_matrix_of_a_cluster_in_use_is_tried_without_a_trace(
    own: Secured, tmp_path: Path
) -> None:
    """Whoever's password is given is tried; no record is written and no topic or right changes."""
    users = ["enrolment", "notify", "mirror.62", STRANGER]
    for user in users:
        (tmp_path / user).write_text(f"{own.passwords[user]}\n", encoding="utf-8")
    security = replace(own.by_password("notify"), username="", password="")
    before = await administered(own, _state)

    result = await verify_given(own.bootstrap, security, WANTED, read_passwords(tmp_path, WANTED))

    assert (True, 0, 0, 0) == tuple(
        result[key] for key in ("verified", "unexpected_allows", "unexpected_denials", "unclear")
    )
    assert sorted(users) == result["principals"]
    assert {"progress", "certification", "operator", "admin", "mirror"} == {*result["untried"]}
    assert before == await administered(own, _state)


async def test_a_right_too_many_and_one_too_few_are_both_found(own: Secured) -> None:
    """The matrix would be worth nothing if it could not fail."""
    extra = Acl.of(Right("notify", Resource.TOPIC, "enrolment", Operation.WRITE))
    lost = Acl.of(Right("notify", Resource.TOPIC, "learners", Operation.READ))
    try:
        await administered(own, lambda cluster: cluster.grant(extra))
        await administered(own, lambda cluster: cluster.revoke(lost))
        await until(lambda: administered(own, lambda cluster: _go_by(cluster, extra, lost)))
        result = await verify_given(
            own.bootstrap, own.by_password("notify"), WANTED, {"notify": own.passwords["notify"]}
        )
    finally:
        await administered(own, lambda cluster: apply(WANTED, cluster))

    assert (False, 1, 2) == (
        result["verified"],
        result["unexpected_allows"],
        result["unexpected_denials"],
    )
    assert (
        "notify: write on topic enrolment passed (UnknownTopicOrPartitionError)"
        in (result["unexpected"])
    )


async def _go_by(cluster: Administered, granted: Acl, revoked: Acl) -> bool:
    """Tell whether the broker has heard of both: its controller decides, and it hears a moment later."""
    acls = await cluster.acls()
    return granted in acls and revoked not in acls


async def test_every_principal_topic_and_operation_on_a_broker_of_its_own(
    installed: NodeSettings,
) -> None:
    """What `./corpu topics verify` does: records are written, topics made and deleted, and nothing is unexpected."""
    said: list[str] = []

    result = await verify_own(installed, WANTED, said.append)

    assert [] == result["unexpected"]
    assert (True, 0) == (result["verified"], result["changes_when_applied_again"])
    assert {*WANTED.principals, STRANGER} == {*result["principals"]}
    assert result["checked"] == result["allowed"] + result["denied"]
    assert 1 == len(said)


def test_the_command_applies_the_file_as_the_certificates_principal(own: Secured) -> None:
    """Nothing is left to do on a cluster that is as declared; for one peer more, a dry run tells what would be."""
    connection = (
        f"--bootstrap={own.by_certificate}",
        "--security-protocol=SSL",
        f"--ca-file={own.authority.file}",
        f"--certificate-file={own.admin.certificate}",
        f"--key-file={own.admin.key}",
        "--replication=1",
    )

    done = _corpu("topics", "apply", *connection, "--peer=62", "--json")
    looked = _corpu("topics", "apply", *connection, "--peer=62", "--peer=35.73", "--dry-run")
    refused = _corpu("topics", "apply", *connection[:-1], "--peer=62", "--peer=35.73")

    assert (0, '{"changed":[],"refused":[],"notes":[]}\n') == (done.returncode, done.stdout)
    assert "would: make topic share.35.73 (6 partitions, 1 replicas)" in looked.stdout
    assert (1, "") == (refused.returncode, refused.stderr.partition("corpu: note")[0])
    assert "corpu: nothing was changed\n" in refused.stderr


def test_the_command_verifies_as_those_whose_passwords_it_is_given(
    own: Secured, tmp_path: Path
) -> None:
    """A broker that is named needs passwords; the environment may tell the rest."""
    (tmp_path / "progress").write_text(own.passwords["progress"], encoding="utf-8")
    known = {
        "KAFKA_BOOTSTRAP": own.bootstrap,
        "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "KAFKA_CA_FILE": str(own.authority.file),
    }

    asked = _corpu("topics", "verify", "--peer=62", **known)
    empty = _corpu("topics", "verify", f"--passwords={tmp_path / 'none'}", **known)
    done = _corpu("topics", "verify", "--peer=62", "--json", f"--passwords={tmp_path}", **known)

    assert (1, True) == (asked.returncode, "--passwords must name a folder" in asked.stderr)
    assert (1, True) == (empty.returncode, "no file named after a principal" in empty.stderr)
    told_so = json.loads(done.stdout)
    assert (0, True, ["progress"]) == (done.returncode, told_so["verified"], told_so["principals"])


def _corpu(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "deploy.cli", *arguments],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=False,
    )


async def _count(works: Works[BoxWork]) -> int:
    return (await works.open().boxes.of("c")).count


async def _state(cluster: Administered) -> object:
    return await cluster.topics(), await cluster.acls()


async def test_a_cleaning_that_broke_off_leaves_no_hasty_settings(
    own: Secured, tmp_path: Path
) -> None:
    """Whoever cleans next puts back what stood before the first, and not what the first had set."""
    before = (await administered(own, _settings))["learners"]
    words = {
        "KAFKA_BOOTSTRAP": own.by_certificate, "KAFKA_SECURITY_PROTOCOL": "SSL",
        "KAFKA_CA_FILE": own.authority.file, "KAFKA_CERTIFICATE_FILE": own.admin.certificate,
        "KAFKA_KEY_FILE": own.admin.key,
    }  # fmt: skip
    kafka, note = KafkaSettings.model_validate(words), tmp_path / "cleaning.json"

    await Cleaning(kafka, note).__aenter__()
    hasty = (await administered(own, _settings))["learners"]
    async with Cleaning(kafka, note):
        pass

    assert ("1000", before) == (
        hasty["segment.ms"],
        (await administered(own, _settings))["learners"],
    )
    assert not note.exists()


async def _settings(cluster: Administered) -> dict[str, dict[str, str]]:
    return {name: dict(found.settings) for name, found in (await cluster.topics()).items()}
