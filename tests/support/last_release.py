"""The last release of this project, from which the upgrade test starts."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = "0.2.0"
# The commit itself: a clone does not always have the tags. CONTRIBUTING.md says when both change.
COMMIT = "0ff28fbcc34c41654de9075a0ae9280798e4e760"


class MissingCommitError(Exception):
    """The clone does not have the commit of the last release."""


def read_release_file(path: str) -> str:
    """Return a text file of the last release.

    Raises:
        MissingCommitError: The clone does not have the commit.
    """
    return _git("show", f"{COMMIT}:{path}").decode()


def extract_release(folder: Path) -> None:
    """Write the tree of the last release into a folder, as a fresh clone of it would hold it.

    Raises:
        MissingCommitError: The clone does not have the commit.
    """
    with tarfile.open(fileobj=BytesIO(_git("archive", "--format=tar", COMMIT))) as archive:
        archive.extractall(folder, filter="data")


def _git(*arguments: str) -> bytes:
    present = subprocess.run(
        ["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"], cwd=ROOT, capture_output=True, check=False
    )
    if present.returncode:
        raise MissingCommitError(
            f"this clone has no commit {COMMIT}, which is release {VERSION}: fetch the whole history"
            " (`git fetch --unshallow`), in CI with a fetch depth of 0"
        )
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout
