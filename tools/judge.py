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
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from arm import AzureRecorder, template
from recorder import ROOT, run_program
from rich.console import Console
from rich.table import Table
from steps import TOOLS, digest

_SUPPRESSIONS = ROOT / "tools" / "suppressions.yaml"
_MODES = ("public", "private")


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
            modes=tuple(entry.get("modes", _MODES)),
            reason=" ".join(entry["reason"].split()),
        )
        for entry in yaml.safe_load(_SUPPRESSIONS.read_text())
    ]


def planned(stack: str, mode: str) -> dict[str, Any]:
    """The stack as an ARM template, with a `public` or `private` network."""
    return template(run_program(stack, {"networkAccess": mode}, AzureRecorder()).cloud)


def checkov(document: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """(check, resource) pairs by `passed_checks` and `failed_checks`. Raises RuntimeError when it gives none."""
    program = TOOLS / f"checkov-{digest([ROOT / 'requirements/checkov.txt'])}" / "bin" / "checkov"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.json"
        path.write_text(json.dumps(document, indent=1))
        command = [
            str(program), "--framework", "arm", "--file", str(path), "--output", "json", "--compact", "--soft-fail",
            "--skip-download",
        ]  # fmt: skip
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    try:
        report = json.loads(result.stdout)
        found = report["results"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise RuntimeError(f"checkov gave no report: {result.stdout[-2000:]}{result.stderr[-2000:]}") from error
    if found["parsing_errors"]:
        raise RuntimeError(f"checkov could not read {found['parsing_errors']}")
    return {
        kind: [(item["check_id"], item["resource"]) for item in found[kind]]
        for kind in ("passed_checks", "failed_checks")
    }


def judge(stack: str, mode: str, known: Sequence[Suppression]) -> Verdict:
    """What checkov says of one stack in one mode."""
    found = checkov(planned(stack, mode))
    verdict = Verdict(mode=mode, passed=found["passed_checks"])
    used: set[Suppression] = set()
    for check, resource in found["failed_checks"]:
        covering = [entry for entry in known if entry.covers(mode, check, resource)]
        used.update(covering)
        (verdict.suppressed if covering else verdict.failed).append((check, resource))
    verdict.stale = [entry for entry in known if mode in entry.modes and entry not in used]
    return verdict


def _show(verdicts: Sequence[Verdict], known: Sequence[Suppression]) -> None:
    console = Console()
    figures = Table(title="checkov, ARM checks")
    for heading in ("network", "passed", "failed", "suppressed"):
        figures.add_column(heading, justify="left" if heading == "network" else "right")
    for verdict in verdicts:
        figures.add_row(
            verdict.mode, *(str(len(part)) for part in (verdict.passed, verdict.failed, verdict.suppressed))
        )
    console.print(figures)
    reasons = Table(title="suppressed, with the reason (tools/suppressions.yaml)")
    for heading in ("check", "network", "reason"):
        reasons.add_column(heading)
    for entry in known:
        reasons.add_row(entry.check, ", ".join(entry.modes), entry.reason)
    console.print(reasons)
    for verdict in verdicts:
        for check, resource in verdict.failed:
            console.print(f"failed ({verdict.mode}): {check} on {resource}", soft_wrap=True, markup=False)
        for entry in verdict.stale:
            console.print(
                f"out of date ({verdict.mode}): {entry.check} no longer fails on {entry.resource}", markup=False
            )


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="prod")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    known = suppressions()
    verdicts = [judge(arguments.stack, mode, known) for mode in _MODES]
    if arguments.format == "json":
        for verdict in verdicts:
            figures = {part: len(getattr(verdict, part)) for part in ("passed", "failed", "suppressed", "stale")}
            print(json.dumps({"network": verdict.mode, **figures}))
    else:
        _show(verdicts, known)
    return 1 if any(verdict.failed or verdict.stale for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
