"""What a service reads of its environment about its broker and store, and how it refuses what cannot be meant."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from deploy.embedded.settings import ROOT
from deploy.topics.certificates import Authority
from shared.web.settings import ServiceSettings, complaint

HUSH = "hush-hush"
USER = {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_USERNAME": "notify"}


def settings(**given: Any) -> ServiceSettings:  # noqa: ANN401 - as an environment has it
    """Read settings as if the environment held these as well."""
    return ServiceSettings(**given)


def refused(**given: Any) -> str:  # noqa: ANN401 - as an environment has it
    """Tell the line with which settings are refused."""
    with pytest.raises(ValidationError) as wrong:
        settings(**given)
    return complaint(wrong.value)


def test_without_a_word_about_it_connections_are_plain() -> None:
    """One machine needs neither certificates nor users."""
    assert {"security_protocol": "PLAINTEXT"} == settings().security.options()


def test_a_user_and_an_authority_reach_every_client(tmp_path: Path) -> None:
    """The password comes from a file, its last line's end left out."""
    authority = Authority(tmp_path).file
    (tmp_path / "password").write_text(f"{HUSH}\n", encoding="utf-8")

    options = settings(
        KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        KAFKA_CA_FILE=authority,
        KAFKA_SASL_MECHANISM="SCRAM-SHA-256",
        KAFKA_USERNAME="notify",
        KAFKA_PASSWORD_FILE=tmp_path / "password",
    ).security.options()

    context = options.pop("ssl_context")
    assert (1, True) == (context.cert_store_stats()["x509_ca"], context.check_hostname)
    assert {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-256",
        "sasl_plain_username": "notify",
        "sasl_plain_password": HUSH,
    } == options


def test_settings_that_are_there_and_empty_are_as_good_as_none() -> None:
    """A container file may name them all."""
    given = dict.fromkeys(
        (
            *("KAFKA_CA_FILE", "KAFKA_CERTIFICATE_FILE", "KAFKA_KEY_FILE", "KAFKA_USERNAME"),
            *("KAFKA_PASSWORD", "KAFKA_PASSWORD_FILE", "MONGO_PASSWORD_FILE"),
            *("KAFKA_SECURITY_PROTOCOL", "KAFKA_SASL_MECHANISM"),
        ),
        "",
    )

    assert settings().security == settings(**given).security


def test_no_secret_is_shown() -> None:
    """Settings that are printed or logged show no password, whichever way it came."""
    read = settings(**USER, KAFKA_PASSWORD=HUSH, MONGO_URI=f"mongodb://corpu:{HUSH}@store")

    assert HUSH == read.security.password
    assert HUSH not in f"{read!r} {read} {read.security!r}"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT'"),
        ({"KAFKA_SASL_MECHANISM": "PLAIN"}, "KAFKA_SASL_MECHANISM: Input should be 'SCRAM-SHA-256'"),
        (USER, "SASL_PLAINTEXT needs KAFKA_USERNAME, and KAFKA_PASSWORD or KAFKA_PASSWORD_FILE"),
        ({"KAFKA_USERNAME": "notify"}, "PLAINTEXT knows no user: KAFKA_SECURITY_PROTOCOL must be"),
        ({"KAFKA_PASSWORD": HUSH}, "PLAINTEXT knows no user: KAFKA_SECURITY_PROTOCOL must be"),
        ({"KAFKA_CA_FILE": "/dev/null"}, "PLAINTEXT uses no certificates"),
        ({**USER, "KAFKA_PASSWORD": HUSH, "KAFKA_CA_FILE": "a"}, "SASL_PLAINTEXT uses no certificates"),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_KEY_FILE": "/dev/null"},
            "KAFKA_CERTIFICATE_FILE and KAFKA_KEY_FILE go together",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "/nowhere/ca.pem"},
            "/nowhere/ca.pem cannot be used (No such file or directory)",
        ),
        (
            {"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_CA_FILE": "/dev/null"},
            "/dev/null cannot be used (NO_CERTIFICATE_OR_CRL_FOUND)",
        ),
        (
            {**USER, "KAFKA_PASSWORD": HUSH, "KAFKA_PASSWORD_FILE": "/dev/null"},
            "KAFKA_PASSWORD and KAFKA_PASSWORD_FILE cannot both be set",
        ),
        ({**USER, "KAFKA_PASSWORD_FILE": "/dev/null"}, "KAFKA_PASSWORD_FILE: /dev/null is empty"),
        (
            {**USER, "KAFKA_PASSWORD_FILE": "/nowhere/word"},
            "KAFKA_PASSWORD_FILE: /nowhere/word cannot be read (No such file or directory)",
        ),
        ({"KAFKA_BOOTSTRAP": ""}, "KAFKA_BOOTSTRAP: brokers are named as host:port"),
        ({"KAFKA_BOOTSTRAP": "kafka"}, "KAFKA_BOOTSTRAP: brokers are named as host:port"),
        ({"KAFKA_BOOTSTRAP": "kafka:9092,"}, "KAFKA_BOOTSTRAP: brokers are named as host:port"),
        ({"KAFKA_BOOTSTRAP": "kafka:99999"}, "KAFKA_BOOTSTRAP: brokers are named as host:port"),
        ({"KAFKA_BOOTSTRAP": f"http://{HUSH}@k:1"}, "KAFKA_BOOTSTRAP: brokers are named as host:port"),
        ({"MONGO_PASSWORD_FILE": "/nowhere"}, "MONGO_PASSWORD_FILE: /nowhere cannot be read"),
        ({"MONGO_URI": "store:27017"}, "MONGO_URI: an address begins with mongodb://"),
        ({"MONGO_URI": f"mongodb://corpu:{HUSH}@store:x"}, "MONGO_URI: Port contains non-digit characters"),
        ({"MONGO_URI": f"mongodb://corpu:{HUSH}@store/?tsl=true"}, "MONGO_URI: Unknown option"),
        ({"MONGO_URI": f"mongodb://corpu:a/{HUSH}@store/x"}, "MONGO_URI: Bad database name"),
        ({"MONGO_URI": "mongodb://corpu@store"}, "MONGO_URI: A password is required"),
        (
            {"MONGO_URI": "mongodb://store/?tls=true&tlsCAFile=/nowhere/ca.pem"},
            "MONGO_URI: /nowhere/ca.pem: a file it names cannot be used (No such file or directory)",
        ),
        (
            {"MONGO_URI": "mongodb://store/?tls=true&tlsCAFile=/dev/null"},
            "MONGO_URI: a file it names cannot be used (",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_one_line_that_names_it(given: dict[str, str], said: str) -> None:
    """A wrong word, a missing partner, a file that is none: nothing is passed over, and no secret is told."""
    line = refused(**given)

    assert said in line
    assert HUSH not in line
    assert "\n" not in line


@pytest.mark.parametrize("given", ["k:9092", "k-1.example:9093, 10.0.0.2:9093", "[::1]:9092"])
def test_brokers_are_named_as_people_write_them(given: str) -> None:
    """By name, by number, several with commas between."""
    assert given == settings(KAFKA_BOOTSTRAP=given).kafka_bootstrap


def test_a_key_that_asks_for_a_passphrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    """A service has no terminal at which to type one."""
    identity = Authority(tmp_path).vouch("notify")
    key = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", identity.key, "-out", key, "-passout", f"pass:{HUSH}"],  # noqa: S607
        check=True,
    )  # fmt: skip

    line = refused(
        KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_CERTIFICATE_FILE=identity.certificate, KAFKA_KEY_FILE=key
    )  # fmt: skip

    assert "locked.key cannot be used (the key is encrypted" in line


@pytest.mark.parametrize("service", ["enrolment", "progress", "certification", "notify"])
def test_a_service_with_wrong_settings_ends_with_one_line(service: str) -> None:
    """It exits with status 1 before it opens anything, without a traceback."""
    environment = {"MONGO_URI": f"mongodb://corpu:{HUSH}@store/?tsl=true", "CORPU_PORT": "high"}

    ended = subprocess.run(
        [sys.executable, "-P", "-m", f"services.{service}"],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )

    assert (1, "", 1) == (ended.returncode, ended.stdout, ended.stderr.count("\n"))
    assert ended.stderr.startswith("the settings cannot be used: CORPU_PORT: Input should be")
