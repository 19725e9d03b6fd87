"""The command behind `make classify`, `make redrive` and `make backfill`.

    python -m client classify [--samples] [--timeout SECONDS] [images ...]
    python -m client redrive
    python -m client backfill

Each takes `--stack` and `--format table|json`. Exit code 0 when everything was done, 1 when it was not, 2 when the
command could not be carried out.
"""

import argparse
import sys
from collections.abc import Sequence

from client.classify import run_classify
from client.errors import ClientError
from client.operations import run_operation


def create_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--stack", default="local", help="name of the deployed stack (default: local)")
    common.add_argument("--format", choices=("table", "json"), default="table")
    parser = argparse.ArgumentParser(
        prog="python -m client", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    classify = commands.add_parser("classify", parents=[common], help="upload images and print their records")
    classify.add_argument("images", nargs="*", help="image files, or folders of them")
    classify.add_argument("--samples", action="store_true", help="also the sample photos out of installed packages")
    classify.add_argument(
        "--timeout", type=float, default=300, metavar="SECONDS", help="how long to wait for each record (default: 300)"
    )
    commands.add_parser("redrive", parents=[common], help="send the messages of the poison queue again")
    commands.add_parser("backfill", parents=[common], help="have images analyzed again with the current settings")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; `arguments` are those of the process unless given."""
    options = create_parser().parse_args(arguments)
    try:
        if options.command == "classify":
            return run_classify(
                stack=options.stack,
                paths=options.images,
                samples=options.samples,
                timeout_seconds=options.timeout,
                output_format=options.format,
            )
        return run_operation(options.stack, options.command, options.format)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
