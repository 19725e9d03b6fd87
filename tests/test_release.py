"""The version, its section in the changelog, and the release that the upgrade test starts from agree."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support import last_release


def test_the_commit_of_the_last_release_is_that_of_its_version() -> None:
    project = tomllib.loads(last_release.read_release_file("pyproject.toml"))["project"]
    assert project["version"] == last_release.VERSION
    assert f"## {last_release.VERSION} - " in last_release.read_release_file("CHANGELOG.md")


def test_the_upgrade_starts_from_this_version_or_from_the_one_before_it() -> None:
    """The commit of a release cannot name itself: the constant follows with the next commit."""
    releases = re.findall(r"(?m)^## (\d+\.\d+\.\d+) - ", (ROOT / "CHANGELOG.md").read_text())
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == releases[0]
    assert last_release.VERSION in releases[:2]


def test_a_clone_without_the_commit_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(last_release, "COMMIT", "0123456789" * 4)
    with pytest.raises(
        last_release.MissingCommitError, match=r"no commit 0123456789.*, which is release .*--unshallow"
    ):
        last_release.extract_release(tmp_path)
