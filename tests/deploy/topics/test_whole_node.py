"""A whole node on a secured cluster, each service as its own principal."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.settings import ROOT, SERVICES, NodeSettings
from deploy.topics.declared import declared
from tests.support.secured import secured_broker

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.journey]


def test_a_cohort_is_played_with_the_rights_of_the_file(
    installed: NodeSettings, tmp_path: Path
) -> None:
    """From the nomination to the certificates no service misses a right, and the audit is clean."""
    with secured_broker(installed, declared("35", replication=1)) as broker:
        secured = {
            "KAFKA_BOOTSTRAP": broker.bootstrap,
            "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "KAFKA_CA_FILE": str(broker.authority.file),
        }
        for service in SERVICES:
            secured[f"{service.upper()}_KAFKA_USERNAME"] = service
            secured[f"{service.upper()}_KAFKA_PASSWORD"] = broker.passwords[service]
        played = subprocess.run(
            [sys.executable, "-P", "-m", "deploy.cli", "demo", "--learners=8", "--json"],
            env={
                "PATH": os.defpath,
                "PYTHONPATH": str(ROOT),
                "CORPU_HOME": str(tmp_path),
                **secured,
            },
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    assert played.returncode == 0, played.stderr
    told = json.loads(played.stdout)
    assert (8, 0, []) == (told["certified"], told["parked"], told["audit"]["disagreements"])
