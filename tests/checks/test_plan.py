"""The comments on recorded and built previews equal those in tests/checks/golden/plan/, and their verdicts are right.

To write the comments again: UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/checks/test_plan.py
"""

import difflib
import os
from pathlib import Path

import msgspec
import pytest

from checks.plan.comment import render_comment
from checks.plan.data_types import DATA_TYPES, NO_DATA_TYPES
from checks.plan.event_log import EventLog, Outputs, read_event_log
from checks.plan.inputs import ScanResult
from checks.plan.preview import Diagnostic, PropertyDiff, read_preview
from checks.plan.report import PlanReport, create_report
from policy.known_types import KNOWN_TYPES
from tests.support.plan_builder import (
    STACK_URN,
    changed,
    deployed_inputs,
    load_preview,
    load_recording,
    preview_of,
    protected,
    recording_names,
    state,
    step,
)

GOLDEN = Path(__file__).parent / "golden/plan"


def recorded_report(name: str) -> PlanReport:
    recording = load_recording(name)
    return create_report(read_preview(recording.preview), event_log=read_event_log(recording.events))


def assignment_widened() -> PlanReport:
    """The scope of an assignment grows from a container to the account, and a condition is removed from another one."""
    reader = "function-storage-blob-data-reader-on-images-container"
    assignment_name = "blob-event-topic-storage-queue-data-message-sender-on-images-queue"
    account = deployed_inputs(reader)["scope"].partition("/blobServices/")[0]
    condition = {"condition": "@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'x'"}
    return create_report(
        preview_of(
            changed(reader, {"scope": account}, op="replace"),
            changed(assignment_name, {"condition": None}, before=condition),
        )
    )


def protection_removed() -> PlanReport:
    """Nothing changes but the protection of two resources; a third one becomes protected."""
    return create_report(
        preview_of(
            protected("images-account", before=True, after=False),
            protected("records-images", before=True, after=False),
            protected("records-account", before=False, after=True),
        )
    )


def cost_and_scan_report() -> PlanReport:
    """With a scan, and with prices of another region than before."""
    before = {
        "low": 92.5,
        "high": 103.1,
        "currency": "USD",
        "priceRegion": "westeurope",
        "meters": {"S1 Transactions": 100.0, "Hot LRS Write Operations": 2.5, "Standard Operations": 0.6},
    }
    after = {
        "low": 1810.5,
        "high": 2025.86,
        "currency": "USD",
        "priceRegion": "eastus",
        "meters": {"S1 Transactions": 2000.0, "Hot LRS Write Operations": 2.5, "AP1 100 RUs": 23.36},
    }
    outputs = Outputs(before={"estimatedMonthlyCost": before}, after={"estimatedMonthlyCost": after})
    return create_report(
        load_preview("vision-account-added"),
        event_log=EventLog(outputs={STACK_URN: outputs}),
        scan_results=[
            ScanResult(network="public", passed=41, failed=0, suppressed=20, stale=0),
            ScanResult(network="private", passed=44, failed=1, suppressed=16, stale=2),
        ],
    )


def opened_to_addresses() -> PlanReport:
    """Addresses and a subnet are let in, an address is no longer, and a resource that is new lets everybody in."""
    rules = {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "192.0.2.1"}]}
    wider = {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "192.0.2.0/24"}]}
    narrower = {"defaultAction": "Deny", "ipRules": []}
    return create_report(
        preview_of(
            changed("images-account", {"networkRuleSet": wider}, before={"networkRuleSet": rules}),
            changed("host-account", {"networkRuleSet": narrower}, before={"networkRuleSet": rules}),
            changed("records-account", {"ipRules": None}, before={"ipRules": [{"ipAddressOrRange": "192.0.2.1"}]}),
            step("create", "new", after=state("storage:StorageAccount", {"publicNetworkAccess": "Enabled"})),
        )
    )


def detailed_differences() -> PlanReport:
    """What azure-native itself reports beside its reasons: the kind of change by path of the property."""
    before = state("storage:StorageAccount", {"accountName": "st", "sku": {"name": "Standard_LRS"}, "tags": {"a": "1"}})
    after = state("storage:StorageAccount", {"accountName": "st", "sku": {"name": "Premium_LRS"}, "tags": {"a": "2"}})
    detailed = {
        "sku.name": PropertyDiff(kind="update-replace", input_diff=True),
        "tags.a": PropertyDiff(kind="update", input_diff=True),
    }
    steps = [
        msgspec.structs.replace(step(op, "images-account", before=before, after=after), detailed_diff=detailed)
        for op in ("create-replacement", "replace", "delete-replaced")
    ]
    return create_report(preview_of(*steps))


def hostile_texts() -> PlanReport:
    """Names and values from outside that would break the comment if they were Markdown."""
    before = state("storage:Queue", {"queueName": "a|b", "metadata": {"owner": "@everyone"}})
    after = state("storage:Queue", {"queueName": "``` <img src=x>", "metadata": {"owner": "[click](https://x) #1"}})
    diagnostics = (
        Diagnostic(severity="error", message="```\n@everyone <!-- -->\n````\n\u202egnissim"),
        Diagnostic(severity="warning", message="two\nlines", urn="urn:pulumi:dev::p::azure-native:storage:Queue::@me"),
    )
    return create_report(
        preview_of(
            step("replace", "name`|@everyone\n# heading", before=before, after=after, replace_reasons=["queueName"]),
            diagnostics=diagnostics,
        )
    )


COMPOSED_REPORTS = {
    "protection-removed": protection_removed,
    "role-assignment-widened": assignment_widened,
    "cost-and-scan": cost_and_scan_report,
    "opened-to-addresses": opened_to_addresses,
    "detailed-differences": detailed_differences,
    "hostile-texts": hostile_texts,
}


def report_of(name: str) -> PlanReport:
    return COMPOSED_REPORTS[name]() if name in COMPOSED_REPORTS else recorded_report(name)


@pytest.mark.parametrize("name", [*recording_names(), *COMPOSED_REPORTS])
def test_the_comment_equals_the_golden_one(name: str) -> None:
    path = GOLDEN / f"{name}.md"
    actual = render_comment(report_of(name))
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(actual)
    expected = path.read_text()
    if actual != expected:
        difference = difflib.unified_diff(
            expected.splitlines(), actual.splitlines(), fromfile=path.name, tofile="comment", lineterm="", n=2
        )
        pytest.fail("\n".join(difference), pytrace=False)


def test_every_golden_comment_is_compared() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == {*recording_names(), *COMPOSED_REPORTS}
    assert len(recording_names()) >= 15


@pytest.mark.parametrize(
    ("name", "failed", "reasons"),
    [
        ("nothing-changed", False, []),
        ("feature-added", False, ["1 role definition added or widened"]),
        ("vision-account-added", False, ["3 role assignments added or widened"]),
        ("private-network", False, []),
        (
            "container-policy-changed",
            False,
            ["1 resource whose data is lost or deleted earlier", "1 role definition added or widened"],
        ),
        ("uploader-added", False, ["2 role assignments added or widened", "1 role definition added or widened"]),
        ("retention-shortened", False, ["3 resources whose data is lost or deleted earlier"]),
        ("role-assignment-removed", False, []),
        ("copies-added", False, ["1 role assignment added or widened"]),
        ("custom-role-widened", False, ["2 role definitions added or widened"]),
        ("built-in-role-widened", True, ["1 role assignment added or widened"]),
        ("secret-changed", False, []),
        ("policy-violation", True, ["2 resources reachable from more networks"]),
        ("preview-failed", True, []),
        (
            "region-changed",
            False,
            [
                "13 resources whose data is lost or deleted earlier",
                "14 role assignments added or widened",
                "5 role definitions added or widened",
            ],
        ),
        ("everything-deleted", False, ["13 resources whose data is lost or deleted earlier"]),
        ("protection-off", False, ["6 resources whose data is guarded less"]),
        (
            "protected-region-changed",
            True,
            ["1 resource whose data is lost or deleted earlier", "1 protected resource deleted or replaced"],
        ),
        ("uploader-removed", False, []),
        (
            "protected-everything-deleted",
            True,
            [
                "9 resources whose data is lost or deleted earlier",
                "1 resource whose data is guarded less",
                "2 protected resources deleted or replaced",
            ],
        ),
        ("first-deployment", False, ["21 role assignments added or widened", "5 role definitions added or widened"]),
        ("role-assignment-widened", False, ["2 role assignments added or widened"]),
        ("protection-removed", False, ["2 resources whose data is guarded less"]),
        ("network-opened", False, ["5 resources reachable from more networks"]),
        ("opened-to-addresses", False, ["2 resources reachable from more networks"]),
        ("hostile-texts", True, ["1 resource whose data is lost or deleted earlier"]),
    ],
)
def test_the_verdict(name: str, failed: bool, reasons: list[str]) -> None:
    report = report_of(name)
    assert report.failed is failed
    assert report.approval_reasons == reasons


def test_every_type_of_the_program_is_said_to_hold_data_or_not() -> None:
    assert DATA_TYPES.keys() | NO_DATA_TYPES == KNOWN_TYPES
    assert not DATA_TYPES.keys() & NO_DATA_TYPES


def test_data_stands_before_access_and_access_before_resources() -> None:
    comment = render_comment(recorded_report("region-changed"))
    positions = [comment.index(heading) for heading in ("### Data", "### Access", "### Resources", "### Policy")]
    assert positions == sorted(positions)


def test_what_the_program_writes_is_no_problem() -> None:
    diagnostics = (
        Diagnostic(severity="info", message="a line of the program"),
        Diagnostic(severity="info#err", message="a line of its standard error"),
        Diagnostic(severity="warning", message="warning: a warning"),
    )
    report = create_report(preview_of(diagnostics=diagnostics))
    assert [(problem.severity, problem.message) for problem in report.problems] == [("warning", "a warning")]
    assert not report.failed
