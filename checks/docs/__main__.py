"""The command behind `make docs`: writes the generated parts of the documents, or compares them.

    python -m checks.docs [--check]

With --check nothing is written: the lines that differ are printed, and the exit code is 1 if there are any. The
schema of records is part of the function code, so functions/pipeline must be on PYTHONPATH.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from checks.docs.blocks import DocumentError, Generators, describe_difference, update_text
from checks.docs.registry import GENERATORS, find_documents


def run(documents: Sequence[Path], generators: Generators, *, check: bool) -> int:
    """Write the generated parts of the documents, or only print by which lines they differ.

    Returns:
        The exit code: 1 if `check` is set and a document differs, or if the markers of a document are wrong.
    """
    differs = False
    for document in documents:
        current = document.read_text()
        try:
            generated = update_text(current, generators)
        except DocumentError as error:
            print(f"error: {document.name}: {error}", file=sys.stderr)
            return 1
        difference = describe_difference(document.name, current, generated)
        if difference and check:
            differs = True
            print(difference)
        elif difference:
            document.write_text(generated)
            print(f"updated {document.name}")
    if differs:
        print("error: generated parts are not up to date; run make docs", file=sys.stderr)
        return 1
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; `arguments` are those of the process unless given."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.docs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a generated part differs")
    options = parser.parse_args(arguments)
    return run(find_documents(), GENERATORS, check=options.check)


if __name__ == "__main__":
    sys.exit(main())
