"""The command behind `make scan`: checkov's findings in a stack, with and without a private network.

    python -m checks.checkov_scan [--stack prod] [--format table|json]

Renders what the program registers as ARM templates and has checkov read them, offline. Every check that fails must be
listed in checks/suppressions.yaml with the reason why it may; an entry that no failure needs is an error as well.
Exit code 1 when a check fails, when a suppression is stale, or when checkov gives no report.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml
from rich.console import Console
from rich.table import Table

from checks.arm_template import ArmTemplate, AzureRecorder, render_template
from scripts.installation import tool_path
from tests.support.pulumi_recorder import ROOT, run_program

_SUPPRESSIONS = ROOT / "checks" / "suppressions.yaml"
# Values of the setting `networkAccess`; each is scanned.
MODES = ("public", "private")


class ScanError(Exception):
    """checkov gave no usable report; the message contains the end of its output."""


class Finding(NamedTuple):
    """One check on one resource; `resource` is `<type>.<name>`, as checkov writes it."""

    check: str
    resource: str


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """A check that may fail on resources that match the regular expression `resource`, in some modes, and why."""

    check: str
    resource: str
    modes: tuple[str, ...]
    reason: str

    def covers(self, mode: str, finding: Finding) -> bool:
        """Return whether this entry suppresses a failure in a mode."""
        if mode not in self.modes:
            return False
        if finding.check != self.check:
            return False
        return re.fullmatch(self.resource, finding.resource) is not None


@dataclass(frozen=True, kw_only=True)
class Report:
    """checkov's findings in one template."""

    passed: list[Finding]
    failed: list[Finding]


@dataclass(kw_only=True)
class ScanResult:
    """The findings of one mode after suppression, and the suppressions of that mode that were not needed."""

    mode: str
    passed: list[Finding] = field(default_factory=list)
    failed: list[Finding] = field(default_factory=list)
    suppressed: list[Finding] = field(default_factory=list)
    stale: list[Suppression] = field(default_factory=list)


def load_suppressions() -> list[Suppression]:
    """Return the entries of checks/suppressions.yaml."""
    return [
        Suppression(
            check=entry["check"],
            resource=entry["resource"],
            modes=tuple(entry.get("modes", MODES)),
            reason=" ".join(entry["reason"].split()),
        )
        for entry in yaml.safe_load(_SUPPRESSIONS.read_text())
    ]


def render_stack(stack: str, mode: str) -> ArmTemplate:
    """Return a stack as an ARM template, with the setting `networkAccess` as `mode` says."""
    recorder = run_program(stack, {"networkAccess": mode}, AzureRecorder())
    return render_template(recorder.cloud)


def run_checkov(templates: Mapping[str, ArmTemplate]) -> dict[str, Report]:
    """Return checkov's report on each ARM template, by the template's name.

    Raises:
        ScanError: checkov gave no report, or could not read a template.
    """
    program = tool_path("checkov", "checkov") / "bin" / "checkov"
    with tempfile.TemporaryDirectory() as folder:
        for name, template in templates.items():
            (Path(folder) / f"{name}.json").write_text(json.dumps(template, indent=1))
        command = [
            str(program),
            *("--framework", "arm"),
            *("--directory", folder),
            *("--output", "json"),
            "--compact",
            "--soft-fail",
            "--skip-download",
        ]
        process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        results = json.loads(process.stdout)["results"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ScanError(f"checkov gave no report: {process.stdout[-2000:]}{process.stderr[-2000:]}") from error
    if results["parsing_errors"]:
        raise ScanError(f"checkov could not read {results['parsing_errors']}")

    def findings(name: str, kind: str) -> list[Finding]:
        path = f"/{name}.json"
        return [
            Finding(check=item["check_id"], resource=item["resource"])
            for item in results[kind]
            if item["file_path"] == path
        ]

    return {
        name: Report(passed=findings(name, "passed_checks"), failed=findings(name, "failed_checks"))
        for name in templates
    }


def apply_suppressions(mode: str, report: Report, suppressions: Sequence[Suppression]) -> ScanResult:
    """Return a report's findings with its failures divided into suppressed ones and others."""
    result = ScanResult(mode=mode, passed=report.passed)
    used: set[Suppression] = set()
    for finding in report.failed:
        covering = [entry for entry in suppressions if entry.covers(mode, finding)]
        used.update(covering)
        if covering:
            result.suppressed.append(finding)
        else:
            result.failed.append(finding)
    result.stale = [entry for entry in suppressions if mode in entry.modes and entry not in used]
    return result


def _print_tables(results: Sequence[ScanResult], suppressions: Sequence[Suppression]) -> None:
    console = Console()
    figures = Table(title="checkov, ARM checks")
    figures.add_column("network")
    for heading in ("passed", "failed", "suppressed"):
        figures.add_column(heading, justify="right")
    for result in results:
        figures.add_row(result.mode, str(len(result.passed)), str(len(result.failed)), str(len(result.suppressed)))
    console.print(figures)
    reasons = Table(title="suppressed, with the reason (checks/suppressions.yaml)")
    for heading in ("check", "network", "reason"):
        reasons.add_column(heading)
    for entry in suppressions:
        reasons.add_row(entry.check, ", ".join(entry.modes), entry.reason)
    console.print(reasons)
    for result in results:
        for finding in result.failed:
            line = f"failed ({result.mode}): {finding.check} on {finding.resource}"
            console.print(line, soft_wrap=True, markup=False)
        for entry in result.stale:
            line = f"stale suppression ({result.mode}): {entry.check} does not fail on {entry.resource}"
            console.print(line, soft_wrap=True, markup=False)


def _print_json(results: Sequence[ScanResult]) -> None:
    for result in results:
        figures = {
            "network": result.mode,
            "passed": len(result.passed),
            "failed": len(result.failed),
            "suppressed": len(result.suppressed),
            "stale": len(result.stale),
        }
        print(json.dumps(figures))


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.checkov_scan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stack", default="prod")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    suppressions = load_suppressions()
    templates = {mode: render_stack(arguments.stack, mode) for mode in MODES}
    try:
        reports = run_checkov(templates)
    except ScanError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    results = [apply_suppressions(mode, report, suppressions) for mode, report in reports.items()]
    if arguments.format == "json":
        _print_json(results)
    else:
        _print_tables(results, suppressions)
    if any(result.failed or result.stale for result in results):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
