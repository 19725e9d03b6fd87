"""The command behind `make mutants`.

    python -m checks.mutants [--sample 45] [--seed 1] [--processes 2] [--format table|json] [MODULE ...]

MODULE is the path of a module or folder; without any, all modules are mutated. Exit code 1 when a goal is not met, when
an accepted mutant is out of date, or when the tests fail without a mutant.
"""

import argparse
import sys

from checks.mutants.baseline import BaselineError
from checks.mutants.processes import ProcessError, end_on_signals
from checks.mutants.project import PROJECT, ProjectError
from checks.mutants.run import MutantError, Options, run


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--sample", type=int, default=45)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    options = Options(
        modules=arguments.modules,
        sample=arguments.sample,
        seed=arguments.seed,
        processes=arguments.processes,
    )
    end_on_signals()
    try:
        report = run(PROJECT, options)
    except (BaselineError, MutantError, ProcessError, ProjectError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    if arguments.format == "json":
        report.print_json()
    else:
        report.print_table()
    return 1 if report.problems() else 0


if __name__ == "__main__":
    sys.exit(main())
