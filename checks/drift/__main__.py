"""Whether the resources of a stack differ from what the program states.

    pulumi refresh --preview-only --json --stack prod | python -m checks.drift --stack prod --format markdown

Reads the output of `pulumi refresh --preview-only --json` and prints the text of an issue. Only properties that the
program states are compared; what a refresh reports wrongly is listed in checks/drift/allowed.yaml.
Exit code 0: no drift. 2: drift. 1: the refresh failed, or its output cannot be read.
"""

import argparse
import sys
from pathlib import Path

from checks.drift.allow_list import apply_allow_list, load_allow_list
from checks.drift.comparison import find_differences, find_missing_resources
from checks.drift.refresh_output import RefreshError, read_steps
from checks.drift.report import render_json, render_markdown

_DRIFT = 2


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.drift",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, nargs="?", help="output of the refresh; standard input if not stated")
    parser.add_argument("--stack", required=True, help="the name of the stack, for the text")
    parser.add_argument("--format", choices=("markdown", "json"), default="markdown")
    arguments = parser.parse_args()
    try:
        text = sys.stdin.read() if arguments.file is None else arguments.file.read_text()
        steps = read_steps(text)
    except (OSError, RefreshError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    missing = find_missing_resources(steps)
    result = apply_allow_list(find_differences(steps), load_allow_list())
    render = render_json if arguments.format == "json" else render_markdown
    print(render(arguments.stack, missing, result), end="")
    if missing or result.drift:
        return _DRIFT
    return 0


if __name__ == "__main__":
    sys.exit(main())
