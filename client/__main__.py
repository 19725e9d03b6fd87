"""The command behind `make classify`, `search`, `urls`, `token`, `redrive`, `backfill` and `agreement`.

    python -m client classify [--samples] [--timeout SECONDS] [images ...]
    python -m client search [--label LABEL] [--min-confidence NUMBER] [--limit NUMBER] [words ...]
    python -m client urls
    python -m client token
    python -m client redrive [--queue images|shadow]
    python -m client backfill
    python -m client agreement

Each takes `--stack` and `--format table|json`. Exit code 0 when everything was done, 1 when it was not, 2 when the
command could not be carried out.
"""

import argparse
import sys
from collections.abc import Sequence

from client.agreement.command import run_agreement
from client.classify import run_classify
from client.errors import ClientError
from client.operations import run_operation
from client.search import SearchQuery, run_search
from client.tokens import run_token
from client.urls import run_urls


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
    search = commands.add_parser("search", parents=[common], help="search images by words and labels, through the API")
    search.add_argument("words", nargs="*", help="words to search for")
    search.add_argument("--label", action="append", default=[], help="a label that the images have; repeatable")
    search.add_argument(
        "--min-confidence", type=float, metavar="NUMBER", help="lowest confidence of the labels, 0 to 1"
    )
    search.add_argument("--limit", type=int, default=25, metavar="NUMBER", help="number of images (default: 25)")
    commands.add_parser("urls", parents=[common], help="print the addresses of gallery, API and token endpoint")
    commands.add_parser("token", parents=[common], help="print an access token for the API")
    redrive = commands.add_parser("redrive", parents=[common], help="send the messages of a poison queue again")
    redrive.add_argument("--queue", choices=("images", "shadow"), default="images", help="which (default: images)")
    commands.add_parser("backfill", parents=[common], help="have images analyzed again with the current settings")
    commands.add_parser("agreement", parents=[common], help="print how far the successor in the shadow agrees")
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
        if options.command == "search":
            query = SearchQuery(
                words=" ".join(options.words),
                labels=options.label,
                min_confidence=options.min_confidence,
                limit=options.limit,
            )
            return run_search(options.stack, query, options.format)
        if options.command == "urls":
            return run_urls(options.stack, options.format)
        if options.command == "token":
            return run_token(options.stack)
        if options.command == "agreement":
            return run_agreement(options.stack, options.format)
        parameters = {"queue": options.queue} if options.command == "redrive" else {}
        return run_operation(options.stack, options.command, parameters, options.format)
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
