"""checkov over prod: every check passes, or is suppressed with a reason; what is wrong is not overlooked."""

import copy

import pytest
from judge import MODES, Report, Suppression, Verdict, checkov, planned, suppressions, verdict

from tests.conftest import ROOT

ALL = suppressions()


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """Of prod in both modes, and of its storage accounts when they are weakened."""
    templates = {mode: planned("prod", mode) for mode in MODES}
    weak = copy.deepcopy(templates["private"])
    weak["resources"] = [item for item in weak["resources"] if item["type"] == "Microsoft.Storage/storageAccounts"]
    for account in weak["resources"]:
        account["properties"] |= {"supportsHttpsTrafficOnly": False, "minimumTlsVersion": "TLS1_0"}
    return checkov({**templates, "weak": weak})


@pytest.mark.parametrize("mode", MODES)
def test_nothing_fails_and_no_suppression_is_out_of_date(mode: str, reports: dict[str, Report]) -> None:
    found = verdict(mode, reports[mode], ALL)
    assert found.failed == []
    assert found.stale == []
    assert len(found.passed) >= 35


def test_the_readme_has_the_figures(reports: dict[str, Report]) -> None:
    found = {mode: verdict(mode, reports[mode], ALL) for mode in MODES}
    text = " ".join((ROOT / "README.md").read_text().split())
    public, private = found["public"], found["private"]
    assert f"public network {len(public.passed)} checks passed and {len(public.suppressed)} are suppressed" in text
    assert f"private one {len(private.passed)} passed and {len(private.suppressed)} are suppressed, none failed" in text


def test_a_weakened_resource_is_caught(reports: dict[str, Report]) -> None:
    """The judge reads what is rendered, and judges by it."""
    assert {check for check, _ in reports["weak"].failed} >= {"CKV_AZURE_3", "CKV_AZURE_44"}


def test_every_suppression_has_a_reason() -> None:
    assert all(len(entry.reason) > 40 for entry in ALL)


def test_a_suppression_covers_only_what_it_names() -> None:
    entry = Suppression(check="CKV_X", resource=r"A/b\..*", modes=("public",), reason="")
    assert entry.covers("public", "CKV_X", "A/b.name")
    assert not entry.covers("private", "CKV_X", "A/b.name")
    assert not entry.covers("public", "CKV_Y", "A/b.name")
    assert not entry.covers("public", "CKV_X", "A/c.name")


def test_a_suppression_that_nobody_needs_is_stale() -> None:
    report = Report(passed=[], failed=[("CKV_X", "A/b.c"), ("CKV_Y", "A/b.c")])
    used = Suppression(check="CKV_X", resource=".*", modes=("public",), reason="r")
    idle = Suppression(check="CKV_Z", resource=".*", modes=("public", "private"), reason="r")
    assert verdict("public", report, [used, idle]) == Verdict(
        mode="public", failed=[("CKV_Y", "A/b.c")], suppressed=[("CKV_X", "A/b.c")], stale=[idle]
    )
