"""What a destroy does to protected resources; docs/destroy.md says the same."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_local_stack import steps
from tests.infra.test_program import HOLDS_DATA

pytestmark = pytest.mark.emulator


def deployed(local_stack: Checkout) -> list[dict[str, Any]]:
    export = local_stack.emulator("pulumi", "--", "local", "stack", "export")
    return json.loads(export.stdout)["deployment"]["resources"]


def test_protected_resources_and_their_group_survive(local_stack: Checkout) -> None:
    before = deployed(local_stack)
    protected = [item["urn"] for item in before if item["urn"].rpartition("::")[2] in HOLDS_DATA]
    assert len(protected) == len(HOLDS_DATA)
    protection = local_stack.emulator("pulumi", "--", "local", "state", "protect", *protected, "--yes")
    assert protection.returncode == 0, protection.stderr

    refusal = local_stack.emulator("pulumi", "--", "local", "destroy", "--yes")
    assert refusal.returncode != 0
    assert "because it is protected" in refusal.stdout
    assert len(deployed(local_stack)) == len(before)

    removed = local_stack.emulator("pulumi", "--", "local", "destroy", "--yes", "--exclude-protected")
    assert removed.returncode == 0, removed.stdout
    remaining = {
        item["urn"].rpartition("::")[2] for item in deployed(local_stack) if item["type"].startswith("azure-native:")
    }
    assert remaining == HOLDS_DATA | {"resource-group"}

    rebuilt = steps(local_stack.deploy().stdout)
    assert set(rebuilt) == {"created", "unchanged"}
    assert rebuilt["unchanged"] >= len(HOLDS_DATA)
