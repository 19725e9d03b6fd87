"""Drift: what counts, what does not, what the issue says, and that a failed refresh is never taken for no drift."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.drift.allow_list import AllowedDifference, apply_allow_list, load_allow_list
from checks.drift.comparison import Difference, MissingResource, find_differences, find_missing_resources
from checks.drift.refresh_output import RefreshError, ResourceState, Step, read_steps
from checks.drift.report import render_json, render_markdown
from tests.conftest import ROOT

# What Pulumi 3.274.1 printed for the emulator after a setting of the storage account was changed behind its back, a tag
# was added, and the action group was deleted; reduced to four resources and the fields that a reader needs.
RECORDING = ROOT / "tests/checks/refresh_preview.json"
URN = "urn:pulumi:dev::image-pipeline::azure-native:storage:StorageAccount::images-account"
ACCOUNT = "azure-native:storage:StorageAccount"


def update(stated: dict[str, Any], actual: dict[str, Any], resource_type: str = ACCOUNT) -> Step:
    return Step(
        op="update",
        urn=URN,
        old_state=ResourceState(type=resource_type, inputs=stated),
        new_state=ResourceState(type=resource_type, inputs=actual),
    )


def differences(stated: dict[str, Any], actual: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(item.property, item.stated, item.actual) for item in find_differences([update(stated, actual)])]


def test_a_recorded_refresh_has_one_difference_and_one_missing_resource() -> None:
    steps = read_steps(RECORDING.read_text())
    assert [step.op for step in steps] == ["refresh", "update", "delete", "refresh"]
    assert find_differences(steps) == [
        Difference(
            type="azure-native:storage:StorageAccount",
            name="images-account",
            property="allowSharedKeyAccess",
            stated=False,
            actual=True,
        )
    ]
    (missing,) = find_missing_resources(steps)
    assert (missing.type, missing.name) == ("azure-native:monitor:ActionGroup", "monitoring-alerts-group")
    assert missing.id.endswith("/providers/Microsoft.Insights/actionGroups/ag-imgpipe-local")


@pytest.mark.parametrize(
    ("stated", "actual", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1}, [], id="the same"),
        pytest.param({"a": 1}, {"a": 2}, [("a", 1, 2)], id="another value"),
        pytest.param({"a": 1}, {}, [("a", 1, "(missing)")], id="not there"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, [], id="a default of Azure"),
        pytest.param({"tags": {"a": "x"}}, {"tags": {"a": "x", "policy": "y"}}, [], id="a tag that a policy adds"),
        pytest.param({"tags": {"a": "x"}}, {"tags": {"a": "y"}}, [("tags.a", "x", "y")], id="a tag of ours"),
        pytest.param({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [("a.b[1]", 2, 3)], id="in a list"),
        pytest.param({"a": [{"n": 1}]}, {"a": [{"n": 1, "id": "x"}]}, [], id="an id in a list"),
        pytest.param({"a": [1]}, {"a": [1, 2]}, [("a", [1], [1, 2])], id="a longer list"),
        pytest.param({"a": []}, {"a": [1]}, [("a", [], [1])], id="a list that was empty"),
        pytest.param({"a": {"b": 1}}, {"a": None}, [("a", {"b": 1}, None)], id="an object that is gone"),
        pytest.param({"__defaults": [], "__provider": "x"}, {}, [], id="Pulumi's own"),
        pytest.param({"key": "[secret]"}, {"key": "plain"}, [], id="a secret that comes back as plain text"),
    ],
)
def test_only_what_the_program_states_is_compared(
    stated: dict[str, Any], actual: dict[str, Any], expected: list[tuple[str, Any, Any]]
) -> None:
    assert differences(stated, actual) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is not the output of `pulumi refresh --preview-only --json`"),
        ("error: no stack named 'dev'", "this is not the output of"),
        ('{"steps": [{"op": "refresh"}]}', "missing required field `urn`"),
        ('{"diagnostics": [{"message": "warning: slow", "severity": "warning"}], "steps": 1}', "Expected `array`"),
        ('{"diagnostics": [{"message": "AADSTS700024 expired\\n", "severity": "error"}]}', "AADSTS700024 expired"),
    ],
)
def test_a_refresh_that_failed_is_an_error(text: str, message: str) -> None:
    with pytest.raises(RefreshError, match=re.escape(message)):
        read_steps(text)


def test_a_warning_is_no_error() -> None:
    assert read_steps('{"diagnostics": [{"message": "slow", "severity": "warning"}]}') == []


def entry(resource_type: str, path: str) -> AllowedDifference:
    return AllowedDifference(type=resource_type, property=path, issue="owner/repository#1", reason="Because.")


@pytest.mark.parametrize(
    ("resource_type", "path", "allowed"),
    [
        (ACCOUNT, "networkRuleSet.ipRules[0].value", True),
        (ACCOUNT, "networkRuleSet.*", True),
        ("azure-native:*", "networkRuleSet.ipRules[[]0].value", False),
        ("azure-native:storage:*", "*", True),
        (ACCOUNT, "networkRuleSet", False),
        (ACCOUNT, "networkruleset.*", False),
        ("azure-native:storage:Queue", "*", False),
    ],
)
def test_an_entry_covers_a_type_and_a_property(resource_type: str, path: str, *, allowed: bool) -> None:
    difference = Difference(
        type=ACCOUNT, name="images-account", property="networkRuleSet.ipRules[0].value", stated=1, actual=2
    )
    verdict = apply_allow_list([difference], [entry(resource_type, path)])
    assert (bool(verdict.allowed), bool(verdict.drift)) == (allowed, not allowed)


def test_every_entry_of_the_allow_list_names_an_issue_and_a_type_of_the_program() -> None:
    known = (ROOT / "docs/deployer-rights.md").read_text()
    entries = load_allow_list()
    assert {item.issue.rpartition("#")[0] for item in entries} == {"microsoft/AzureTRE", "pulumi/pulumi-azure-native"}
    for item in entries:
        assert re.fullmatch(r"[\w-]+/[\w.-]+#\d+", item.issue)
        assert f"`{item.type.removeprefix('azure-native:')}`" in known
        assert item.reason.endswith(".")


def test_an_entry_without_an_issue_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "allowed.yaml"
    file.write_text('- {type: "a", property: "b", reason: "c"}\n')
    with pytest.raises(msgspec.ValidationError, match="missing required field `issue`"):
        load_allow_list(file)
    file.write_text('- {type: "a", property: "b", issue: "c", reason: "d", until: "e"}\n')
    with pytest.raises(msgspec.ValidationError, match="unknown field `until`"):
        load_allow_list(file)


def difference(stated: Any, actual: Any) -> Difference:
    return Difference(type=ACCOUNT, name="images-account", property="p", stated=stated, actual=actual)


def test_the_issue_lists_missing_resources_drift_and_what_is_allowed() -> None:
    allowed = AllowedDifference(type="*", property="*", issue="owner/repository#1", reason="Because.")
    verdict = apply_allow_list([difference(1, 2)], [])
    known = apply_allow_list([difference(3, 4)], [allowed])
    missing = [MissingResource(type="t", name="group", id="/subscriptions/x")]
    text = render_markdown("dev", missing, type(verdict)(drift=verdict.drift, allowed=known.allowed))
    assert "**Resources of the stack `dev` that do not exist in Azure any more: 1**" in text
    assert "| `group` | `t` | `/subscriptions/x` |" in text
    assert "**Properties of the stack `dev` that have another value in Azure: 1**" in text
    assert "| `images-account` | `azure-native:storage:StorageAccount` | `p` | `1` | `2` |" in text
    assert "Known differences that are no drift: 1" in text
    assert "| `images-account` | `p` | owner/repository#1 | Because. |" in text


def test_values_from_azure_end_no_cell_and_mention_nobody() -> None:
    text = render_markdown("dev", [], apply_allow_list([difference("a|b`c\n@everyone", "x" * 500)], []))
    (row,) = [line for line in text.splitlines() if line.startswith("| `images-account`")]
    assert row.count(" | ") == 4
    assert '`"a\\|b\'c\\n@everyone"`' in row
    assert "x" * 199 + "…`" in row
    assert "x" * 200 not in row


def test_without_drift_the_text_says_so() -> None:
    assert render_markdown("dev", [], apply_allow_list([], [])) == "No drift in the stack `dev`.\n"


def test_the_json_has_the_same() -> None:
    document = json.loads(render_json("dev", [], apply_allow_list([difference(1, [2])], [])))
    assert document == {
        "stack": "dev",
        "missing": [],
        "drift": [{"type": ACCOUNT, "name": "images-account", "property": "p", "stated": 1, "actual": [2]}],
        "allowed": [],
    }


def run(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "checks.drift", "--stack", "dev", *arguments]
    return subprocess.run(line, cwd=ROOT, input=text, capture_output=True, text=True, check=False)


def test_the_exit_code_tells_drift_from_a_failure() -> None:
    assert run('{"steps": []}').returncode == 0
    drifted = run(RECORDING.read_text(), "--format", "json")
    assert drifted.returncode == 2
    assert len(json.loads(drifted.stdout)["drift"]) == 1
    failed = run("error: no stack named 'dev'")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "error: this is not the output of" in failed.stderr
    assert run("", str(ROOT / "nowhere.json")).returncode == 1
