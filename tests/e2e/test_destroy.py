"""What a destroy does to protected resources; docs/destroy.md says the same."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_laptop import steps
from tests.infra.test_program import HOLDS_DATA

pytestmark = pytest.mark.emulator


def deployed(laptop: Checkout) -> list[dict[str, Any]]:
    export = laptop.emulator("pulumi", "--", "local", "stack", "export")
    return json.loads(export.stdout)["deployment"]["resources"]


def test_protected_resources_and_their_group_survive(laptop: Checkout) -> None:
    before = deployed(laptop)
    protected = [item["urn"] for item in before if item["urn"].rpartition("::")[2] in HOLDS_DATA]
    assert len(protected) == len(HOLDS_DATA)
    for urn in protected:
        assert laptop.emulator("pulumi", "--", "local", "state", "protect", urn, "--yes").returncode == 0

    refused = laptop.emulator("pulumi", "--", "local", "destroy", "--yes")
    assert refused.returncode != 0
    assert "because it is protected" in refused.stdout
    assert len(deployed(laptop)) == len(before)

    removed = laptop.emulator("pulumi", "--", "local", "destroy", "--yes", "--exclude-protected")
    assert removed.returncode == 0, removed.stdout
    left = {item["urn"].rpartition("::")[2] for item in deployed(laptop) if item["type"].startswith("azure-native:")}
    assert left == HOLDS_DATA | {"resource-group"}

    rebuilt = steps(laptop.make("up", "FORMAT=json").stdout)
    assert set(rebuilt) == {"created", "unchanged"}
    assert rebuilt["unchanged"] >= len(HOLDS_DATA)
