"""checkov over prod: every check passes, or is suppressed with a reason; what is wrong is not overlooked."""

import copy
from typing import Any

import pytest
from judge import Suppression, Verdict, checkov, judge, planned, suppressions

ALL = suppressions()


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return planned("prod", "private")


@pytest.mark.parametrize("mode", ["public", "private"])
def test_nothing_fails_and_no_suppression_is_out_of_date(mode: str) -> None:
    verdict = judge("prod", mode, ALL)
    assert verdict.failed == []
    assert verdict.stale == []
    assert len(verdict.passed) >= 35


def test_a_weakened_resource_is_caught(template: dict[str, Any]) -> None:
    """The judge reads what is rendered, and judges by it."""
    weak = copy.deepcopy(template)
    weak["resources"] = [item for item in weak["resources"] if item["type"] == "Microsoft.Storage/storageAccounts"]
    for account in weak["resources"]:
        account["properties"]["supportsHttpsTrafficOnly"] = False
        account["properties"]["minimumTlsVersion"] = "TLS1_0"
    assert {check for check, _ in checkov(weak)["failed_checks"]} >= {"CKV_AZURE_3", "CKV_AZURE_44"}


def test_every_suppression_has_a_reason() -> None:
    assert all(len(entry.reason) > 40 for entry in ALL)


def test_a_suppression_covers_only_what_it_names() -> None:
    entry = Suppression(check="CKV_X", resource=r"A/b\..*", modes=("public",), reason="")
    assert entry.covers("public", "CKV_X", "A/b.name")
    assert not entry.covers("private", "CKV_X", "A/b.name")
    assert not entry.covers("public", "CKV_Y", "A/b.name")
    assert not entry.covers("public", "CKV_X", "A/c.name")


def test_a_suppression_that_nobody_needs_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judge.planned", lambda *_: {})
    found = {"passed_checks": [], "failed_checks": [("CKV_X", "A/b.c"), ("CKV_Y", "A/b.c")]}
    monkeypatch.setattr("judge.checkov", lambda _: found)
    used = Suppression(check="CKV_X", resource=".*", modes=("public",), reason="r")
    idle = Suppression(check="CKV_Z", resource=".*", modes=("public", "private"), reason="r")
    verdict = judge("prod", "public", [used, idle])
    assert verdict == Verdict(mode="public", failed=[("CKV_Y", "A/b.c")], suppressed=[("CKV_X", "A/b.c")], stale=[idle])
