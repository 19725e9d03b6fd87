"""The command behind `make judge`: what checkov says of prod, with and without a private network.

    python tools/judge.py [--stack prod] [--format table|json]

Renders what the program plans as ARM templates and has checkov read them, offline. Every check that fails must be in
tools/suppressions.yaml, with the reason why it may; one that is listed there and does not fail is an error as well.
Exits with 1 when a check fails, or a suppression is out of date.
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
from typing import Any

import yaml
from arm import AzureRecorder, template
from recorder import ROOT, run_program
from rich.console import Console
from rich.table import Table
from steps import place

_SUPPRESSIONS = ROOT / "tools" / "suppressions.yaml"
MODES = ("public", "private")


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """A check that may fail on resources whose type matches, in some modes, and why."""

    check: str
    resource: str
    modes: tuple[str, ...]
    reason: str

    def covers(self, mode: str, check: str, resource: str) -> bool:
        """Whether this failure is suppressed; a resource is checkov's `<type>.<name>`."""
        return mode in self.modes and check == self.check and bool(re.fullmatch(self.resource, resource))


@dataclass(frozen=True, kw_only=True)
class Report:
    """What checkov says of one template: (check, resource) pairs; a resource is `<type>.<name>`."""

    passed: list[tuple[str, str]]
    failed: list[tuple[str, str]]


@dataclass(kw_only=True)
class Verdict:
    """What checkov says of one mode: (check, resource) pairs, and the suppressions that were needed."""

    mode: str
    passed: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    suppressed: list[tuple[str, str]] = field(default_factory=list)
    stale: list[Suppression] = field(default_factory=list)


def suppressions() -> list[Suppression]:
    """Those of tools/suppressions.yaml."""
    return [
        Suppression(
            check=entry["check"],
            resource=entry["resource"],
            modes=tuple(entry.get("modes", MODES)),
            reason=" ".join(entry["reason"].split()),
        )
        for entry in yaml.safe_load(_SUPPRESSIONS.read_text())
    ]


def planned(stack: str, mode: str) -> dict[str, Any]:
    """The stack as an ARM template, with a `public` or `private` network."""
    return template(run_program(stack, {"networkAccess": mode}, AzureRecorder()).cloud)


def checkov(documents: Mapping[str, dict[str, Any]]) -> dict[str, Report]:
    """What checkov says of each ARM template, by the name it was given. Raises RuntimeError when it gives no report."""
    program = place("checkov", "checkov") / "bin" / "checkov"
    with tempfile.TemporaryDirectory() as folder:
        for name, document in documents.items():
            (Path(folder) / f"{name}.json").write_text(json.dumps(document, indent=1))
        command = [
            str(program), "--framework", "arm", "--directory", folder, "--output", "json", "--compact", "--soft-fail",
            "--skip-download",
        ]  # fmt: skip
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        found = json.loads(result.stdout)["results"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise RuntimeError(f"checkov gave no report: {result.stdout[-2000:]}{result.stderr[-2000:]}") from error
    if found["parsing_errors"]:
        raise RuntimeError(f"checkov could not read {found['parsing_errors']}")

    def of(name: str, kind: str) -> list[tuple[str, str]]:
        path = f"/{name}.json"
        return [(item["check_id"], item["resource"]) for item in found[kind] if item["file_path"] == path]

    return {name: Report(passed=of(name, "passed_checks"), failed=of(name, "failed_checks")) for name in documents}


def verdict(mode: str, report: Report, known: Sequence[Suppression]) -> Verdict:
    """What a report comes to, when what is suppressed is set aside."""
    found = Verdict(mode=mode, passed=report.passed)
    used: set[Suppression] = set()
    for check, resource in report.failed:
        covering = [entry for entry in known if entry.covers(mode, check, resource)]
        used.update(covering)
        (found.suppressed if covering else found.failed).append((check, resource))
    found.stale = [entry for entry in known if mode in entry.modes and entry not in used]
    return found


def _show(verdicts: Sequence[Verdict], known: Sequence[Suppression]) -> None:
    console = Console()
    figures = Table(title="checkov, ARM checks")
    for heading in ("network", "passed", "failed", "suppressed"):
        figures.add_column(heading, justify="left" if heading == "network" else "right")
    for found in verdicts:
        figures.add_row(found.mode, *(str(len(part)) for part in (found.passed, found.failed, found.suppressed)))
    console.print(figures)
    reasons = Table(title="suppressed, with the reason (tools/suppressions.yaml)")
    for heading in ("check", "network", "reason"):
        reasons.add_column(heading)
    for entry in known:
        reasons.add_row(entry.check, ", ".join(entry.modes), entry.reason)
    console.print(reasons)
    for found in verdicts:
        for check, resource in found.failed:
            console.print(f"failed ({found.mode}): {check} on {resource}", soft_wrap=True, markup=False)
        for entry in found.stale:
            console.print(
                f"out of date ({found.mode}): {entry.check} no longer fails on {entry.resource}", markup=False
            )


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="prod")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    known = suppressions()
    reports = checkov({mode: planned(arguments.stack, mode) for mode in MODES})
    verdicts = [verdict(mode, report, known) for mode, report in reports.items()]
    if arguments.format == "json":
        for found in verdicts:
            figures = {part: len(getattr(found, part)) for part in ("passed", "failed", "suppressed", "stale")}
            print(json.dumps({"network": found.mode, **figures}))
    else:
        _show(verdicts, known)
    return 1 if any(found.failed or found.stale for found in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
