"""The pull request comment of a preview.

    pulumi preview --json --event-log events.json | python -m checks.plan --events events.json

Reads the output of `pulumi preview --json` or `pulumi destroy --preview-only --json`, from a file or from standard
input, and prints the comment as Markdown, or everything in it as JSON. Pulumi offers --event-log, the only source of
policy violations, when PULUMI_DEBUG_COMMANDS is true.

Exit codes: 0 nothing needs approval; 2 an input or an argument is wrong, and nothing was printed; 3 the change needs
approval: data would be lost or guarded less, a role would be added or widened, or a protected resource would be deleted
or replaced; 4 the preview failed or violates a mandatory policy, whether or not it would need approval.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from checks.plan.comment import CommentLimit, render_comment
from checks.plan.cost import CostComparison, compare_cost
from checks.plan.inputs import read_cost_estimate, read_scan_results
from checks.plan.preview import PlanInputError, read_policy_violations, read_preview
from checks.plan.report import PlanReport, create_report

EXIT_NO_APPROVAL = 0
EXIT_BAD_INPUT = 2
EXIT_NEEDS_APPROVAL = 3
EXIT_FAILED = 4


def main() -> int:
    """Entry point."""
    arguments = _parser().parse_args()
    try:
        report = _report(arguments)
    except PlanInputError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    if arguments.format == "json":
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=1).decode() + "\n")
    else:
        sys.stdout.write(render_comment(report, CommentLimit(arguments.limit)))
    if report.failed:
        return EXIT_FAILED
    return EXIT_NEEDS_APPROVAL if report.needs_approval else EXIT_NO_APPROVAL


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checks.plan",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "preview", nargs="?", default="-", help="file with the preview; standard input if it is - or none"
    )
    parser.add_argument("--events", type=Path, help="event log of the preview, for violations of policies")
    parser.add_argument("--scan", type=Path, help="output of `python -m checks.checkov_scan --format json`")
    parser.add_argument("--cost-before", type=Path, help="cost estimate of the deployed stack; needs --cost-after")
    parser.add_argument("--cost-after", type=Path, help="cost estimate of the changed stack; needs --cost-before")
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown")
    parser.add_argument(
        "--limit",
        choices=[*CommentLimit],
        default=CommentLimit.GITHUB.value,
        help="where the comment is posted, which decides how long it may be",
    )
    return parser


def _report(arguments: argparse.Namespace) -> PlanReport:
    content = sys.stdin.buffer.read() if arguments.preview == "-" else _read("the preview", Path(arguments.preview))
    preview = read_preview(content)
    policy_violations = None
    if arguments.events is not None:
        policy_violations = read_policy_violations(_read("the event log", arguments.events))
    scan_results = None
    if arguments.scan is not None:
        scan_results = read_scan_results(_read("the scan", arguments.scan))
    return create_report(
        preview,
        policy_violations=policy_violations,
        scan_results=scan_results,
        cost=_cost(arguments.cost_before, arguments.cost_after),
    )


def _cost(before: Path | None, after: Path | None) -> CostComparison | None:
    if before is None and after is None:
        return None
    if before is None or after is None:
        raise PlanInputError("--cost-before and --cost-after must be given together")
    return compare_cost(
        read_cost_estimate("--cost-before", _read("--cost-before", before)),
        read_cost_estimate("--cost-after", _read("--cost-after", after)),
    )


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlanInputError(f"{name} cannot be read: {path}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
