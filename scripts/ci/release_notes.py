"""Checks that a tag is the version of the project, and prints the version's section of CHANGELOG.md.

python -m scripts.ci.release_notes --tag v0.2.0
"""

import argparse
import re
import sys
import tomllib
from pathlib import Path

from scripts.ci.errors import PipelineStepError
from scripts.installation import ROOT


def version_of_tag(tag: str, pyproject: str) -> str:
    """Return the version that a tag such as v0.2.0 names.

    Args:
        tag: The tag.
        pyproject: The text of pyproject.toml, which states the version of the project.

    Raises:
        PipelineStepError: The tag is not `v` and the version of the project.
    """
    version: str = tomllib.loads(pyproject)["project"]["version"]
    if tag != f"v{version}":
        raise PipelineStepError(f"the tag is {tag}, not v{version}, the version in pyproject.toml")
    return version


def changelog_section(version: str, changelog: str) -> str:
    """Return the text below the heading of a version in CHANGELOG.md.

    Raises:
        PipelineStepError: There is no section for the version, or it is empty.
    """
    sections = re.split(r"(?m)^## ", changelog)[1:]
    for section in sections:
        heading, _, text = section.partition("\n")
        if re.fullmatch(rf"\[?{re.escape(version)}\]?( - \d{{4}}-\d{{2}}-\d{{2}})?", heading.strip()) and text.strip():
            return text.strip() + "\n"
    raise PipelineStepError(f"CHANGELOG.md has no section for {version}; rename `Unreleased` to `{version} - <date>`")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.ci.release_notes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--tag", required=True)
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder of pyproject.toml and CHANGELOG.md")
    arguments = parser.parse_args()
    root: Path = arguments.root
    try:
        version = version_of_tag(arguments.tag, (root / "pyproject.toml").read_text())
        print(changelog_section(version, (root / "CHANGELOG.md").read_text()), end="")
    except PipelineStepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
