"""The command `python -m checks.plan`: inputs, outputs and exit codes."""

import io
import json
import sys
from pathlib import Path

import pytest

from checks.plan.__main__ import main
from tests.support.plan_builder import load_recording

SCAN = '{"network": "public", "passed": 41, "failed": 0, "suppressed": 20, "stale": 0}\n'


@pytest.fixture
def preview(tmp_path: Path) -> Path:
    path = tmp_path / "preview.json"
    path.write_bytes(load_recording("nothing-changed").preview)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["checks.plan", *map(str, arguments)])
    return main()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nothing-changed", 0),
        ("private-network", 0),
        ("region-changed", 3),
        ("feature-added", 3),
        ("preview-failed", 4),
        ("policy-violation", 4),
    ],
)
def test_the_exit_code_is_the_verdict(name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = load_recording(name)
    (tmp_path / "preview.json").write_bytes(recording.preview)
    (tmp_path / "events.json").write_bytes(recording.events)
    assert run(monkeypatch, tmp_path / "preview.json", "--events", tmp_path / "events.json") == code


def test_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    content = io.TextIOWrapper(io.BytesIO(load_recording("nothing-changed").preview))
    monkeypatch.setattr(sys, "stdin", content)
    assert run(monkeypatch) == 0
    assert "**Needs no approval:**" in capsys.readouterr().out


def test_json_has_everything(
    preview: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "events.json").write_bytes(load_recording("nothing-changed").events)
    (tmp_path / "scan.json").write_text(SCAN)
    inputs = ("--events", tmp_path / "events.json", "--scan", tmp_path / "scan.json")
    assert run(monkeypatch, preview, "--format", "json", *inputs) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["stack"] == "dev"
    assert report["failed"] is False
    assert report["approvalReasons"] == report["changes"] == report["dataRisks"] == report["roleAssignments"] == []
    assert report["unchanged"] == 91
    assert report["cost"]["before"] == report["cost"]["after"]
    assert report["cost"]["after"]["high"] == 58.64
    assert {"meter": "Image Analysis Group 1 Transactions", "before": 15.0, "after": 15.0} in report["cost"]["meters"]
    assert report["scanResults"] == [json.loads(SCAN)]
    assert report["policyViolations"] == report["networkOpenings"] == []


STACK_EXPORT = '{"version": 3, "deployment": {"resources": []}}'
SAVED_PLAN = '{"manifest": {}, "resourcePlans": {}}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the preview is empty: `pulumi preview --json` wrote nothing, so it did not start"),
        (" \n", "the preview is empty"),
        ("Previewing update (dev)", "the preview is not one JSON document"),
        ('{"steps": []}\n{"steps": []}', "the preview is not one JSON document"),
        ("[]", "the preview does not have the form of `pulumi preview --json`: Expected `object`, got `array`"),
        ("{}", "the preview has neither steps nor diagnostics"),
        ('{"result": 1}', "the preview has neither steps nor diagnostics"),
        ('{"steps": [{"op": 1, "urn": ""}]}', "Expected `str`, got `int` - at `$.steps[0].op`"),
        ('{"steps": [{"op": "create"}]}', "Object missing required field `urn`"),
        (STACK_EXPORT, "this is the output of `pulumi stack export`"),
        (SAVED_PLAN, "this is an update plan of `pulumi preview --save-plan`"),
        ("\ufeff{", "the preview is not one JSON document"),
    ],
)
def test_a_wrong_preview_is_an_error(
    content: str, message: str, preview: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    preview.write_text(content)
    assert run(monkeypatch, preview) == 2
    output = capsys.readouterr()
    assert message in output.err
    assert output.err.startswith("error: ")
    assert output.out == ""


@pytest.mark.parametrize(
    ("option", "content", "message"),
    [
        ("--events", "no event\n", "line 1 of the event log is not an event of Pulumi"),
        ("--events", '{"policyEvent": {"message": 1}}', "line 1 of the event log is not an event of Pulumi"),
        ("--scan", "", "the scan is empty"),
        ("--scan", '{"network": "public"}', "the scan is not of `python -m checks.checkov_scan --format json`"),
    ],
)
def test_another_wrong_input_is_an_error(
    option: str,
    content: str,
    message: str,
    preview: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "input").write_text(content)
    assert run(monkeypatch, preview, option, tmp_path / "input") == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--events", "--scan"])
def test_a_missing_file_is_an_error(
    option: str, preview: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, preview, option, tmp_path / "missing") == 2
    assert "cannot be read" in capsys.readouterr().err
    assert run(monkeypatch, tmp_path / "missing") == 2
    assert "the preview cannot be read" in capsys.readouterr().err
