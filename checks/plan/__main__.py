"""The pull request comment of a preview.

    pulumi preview --json --event-log events.json | python -m checks.plan --events events.json

Reads the output of `pulumi preview --json` or `pulumi destroy --preview-only --json`, from a file or from standard
input, and prints the comment as Markdown, or everything in it as JSON. Pulumi offers --event-log, the only source of
policy violations, of the cost before and after, and of the names of app settings, when PULUMI_DEBUG_COMMANDS is true.

Exit codes: 0 nothing needs approval; 2 an input or an argument is wrong, and nothing was printed; 3 the change needs
approval: data would be lost or guarded less, a role would be added or widened, a protected resource would be deleted or
replaced, or a resource would be reachable from more networks; 4 the preview failed or violates a mandatory policy,
whether or not it would need approval.
"""

import argparse
import sys
from pathlib import Path

import msgspec

from checks.plan.comment import CommentLimit, render_comment
from checks.plan.event_log import read_event_log
from checks.plan.inputs import read_scan_results
from checks.plan.preview import PlanInputError, read_preview
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
    parser.add_argument("--events", type=Path, help="event log of the preview, for policies, cost and app settings")
    parser.add_argument("--scan", type=Path, help="output of `python -m checks.checkov_scan --format json`")
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
    event_log = None
    if arguments.events is not None:
        event_log = read_event_log(_read("the event log", arguments.events))
    scan_results = None
    if arguments.scan is not None:
        scan_results = read_scan_results(_read("the scan", arguments.scan))
    return create_report(preview, event_log=event_log, scan_results=scan_results)


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PlanInputError(f"{name} cannot be read: {path}: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main())
