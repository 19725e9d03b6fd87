"""The pull request comment on a stack that is deployed to the emulator."""

import json

import pytest

from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.emulator


def test_a_deployed_stack_has_nothing_to_approve(local_stack: Checkout) -> None:
    # Other tests may have deployed other settings.
    local_stack.deploy("--skip-preview")
    report = json.loads(local_stack.make("plan", "FORMAT=json").stdout)
    assert report["stack"] == "local"
    assert report["changes"] == []
    assert report["unchanged"] > 80
    assert report["policyViolations"] == []
    assert report["failed"] is False
    assert report["approvalReasons"] == []


def test_a_change_that_needs_approval_is_no_error_of_make(local_stack: Checkout) -> None:
    stack_file = local_stack.root / "stacks/Pulumi.local.yaml"
    original = stack_file.read_text()
    assert "recordRetentionDays" not in original
    stack_file.write_text(f"{original}  image-pipeline:recordRetentionDays: 7\n")
    try:
        comment = local_stack.make("plan").stdout
    finally:
        stack_file.write_text(original)
    assert comment.startswith("<!-- image-pipeline plan local -->\n## Plan of stack `local`\n")
    assert "**Needs approval:** 1 resource whose data is lost or deleted earlier." in comment
    assert "`deletes items after 7 days, before: never`" in comment
