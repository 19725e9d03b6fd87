"""checkov on prod: every check passes or is suppressed with a reason, and a defect is found."""

import copy
from pathlib import Path

import pytest

from checks import checkov_scan
from checks.checkov_scan import (
    MODES,
    Finding,
    Report,
    ScanError,
    ScanResult,
    Suppression,
    apply_suppressions,
    load_suppressions,
    render_stack,
    run_checkov,
)
from tests.conftest import ROOT

ALL = load_suppressions()


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    """Of prod in both modes, and of its storage accounts when they are weakened."""
    templates = {mode: render_stack("prod", mode) for mode in MODES}
    weak = copy.deepcopy(templates["private"])
    weak["resources"] = [item for item in weak["resources"] if item["type"] == "Microsoft.Storage/storageAccounts"]
    for account in weak["resources"]:
        account["properties"] |= {"supportsHttpsTrafficOnly": False, "minimumTlsVersion": "TLS1_0"}
    return run_checkov({**templates, "weak": weak})


@pytest.mark.parametrize("mode", MODES)
def test_nothing_fails_and_no_suppression_is_stale(mode: str, reports: dict[str, Report]) -> None:
    result = apply_suppressions(mode, reports[mode], ALL)
    assert result.failed == []
    assert result.stale == []
    assert len(result.passed) >= 35


def test_the_documents_have_the_figures(reports: dict[str, Report]) -> None:
    public, private = (apply_suppressions(mode, reports[mode], ALL) for mode in MODES)
    text = " ".join((ROOT / "docs/deployment.md").read_text().split())
    assert f"public network {len(public.passed)} checks passed and {len(public.suppressed)} are suppressed" in text
    assert f"private one {len(private.passed)} passed and {len(private.suppressed)} are suppressed, none failed" in text


def test_a_weakened_resource_fails(reports: dict[str, Report]) -> None:
    """checkov reads the rendered properties."""
    assert {finding.check for finding in reports["weak"].failed} >= {"CKV_AZURE_3", "CKV_AZURE_44"}


def test_every_suppression_has_a_reason() -> None:
    assert all(len(entry.reason) > 40 for entry in ALL)


def test_a_suppression_covers_only_what_it_names() -> None:
    entry = Suppression(check="CKV_X", resource=r"A/b\..*", modes=("public",), reason="")
    assert entry.covers("public", Finding("CKV_X", "A/b.name"))
    assert not entry.covers("private", Finding("CKV_X", "A/b.name"))
    assert not entry.covers("public", Finding("CKV_Y", "A/b.name"))
    assert not entry.covers("public", Finding("CKV_X", "A/c.name"))


def test_a_suppression_that_no_failure_needs_is_stale() -> None:
    report = Report(passed=[], failed=[Finding("CKV_X", "A/b.c"), Finding("CKV_Y", "A/b.c")])
    used = Suppression(check="CKV_X", resource=".*", modes=("public",), reason="r")
    unneeded = Suppression(check="CKV_Z", resource=".*", modes=("public", "private"), reason="r")
    assert apply_suppressions("public", report, [used, unneeded]) == ScanResult(
        mode="public",
        failed=[Finding("CKV_Y", "A/b.c")],
        suppressed=[Finding("CKV_X", "A/b.c")],
        stale=[unneeded],
    )


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("no JSON", "checkov gave no report: no JSON"),
        ("[]", "checkov gave no report"),
        ('{"results": {"parsing_errors": ["/x.json"]}}', r"checkov could not read \['/x\.json'\]"),
    ],
)
def test_without_a_usable_report_the_scan_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, message: str
) -> None:
    program = tmp_path / "bin" / "checkov"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setattr(checkov_scan, "tool_path", lambda _name, _lock: tmp_path)
    with pytest.raises(ScanError, match=message):
        run_checkov({})
