"""Setting up: what is missing is said in one sentence, and half a tool is never taken for a whole one."""

from pathlib import Path

import pulumi_cli
import pytest
import setup
import steps


def test_without_pulumi_and_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(pulumi_cli, "TOOLS", tmp_path)
    with pytest.raises(steps.SetupError, match=r"install Pulumi .*, or Go 1\.26 .* to have it built"):
        pulumi_cli.require()


def test_a_pulumi_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "pulumi"
    own.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pulumi_cli.pulumi() == str(own)


@pytest.mark.parametrize(("version", "refused"), [("v3.218.9", True), ("v3.219.0", False), ("v4.0.0", False)])
def test_a_pulumi_on_path_that_is_too_old_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, *, refused: bool
) -> None:
    own = tmp_path / "pulumi"
    own.write_text(f"#!/bin/sh\necho {version}\n")
    own.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if refused:
        with pytest.raises(steps.SetupError, match=r"is v3\.218\.9; 3\.219 or later is needed"):
            pulumi_cli.require()
    else:
        pulumi_cli.require()


def test_what_was_left_half_done_is_done_again(tmp_path: Path) -> None:
    target = tmp_path / "tool"
    built: list[bool] = []

    def build(folder: Path) -> None:
        built.append((folder / "leftover").exists())
        (folder / "leftover").touch()
        if len(built) == 1:
            raise steps.SetupError("interrupted")

    with pytest.raises(steps.SetupError):
        steps.once(target, build)
    steps.once(target, build)
    steps.once(target, build)
    assert built == [False, False]


def test_a_command_that_fails_is_shown_with_the_end_of_its_output() -> None:
    with pytest.raises(steps.SetupError, match=r"(?s)tool: sh -c .*it broke"):
        steps.run("tool", ["sh", "-c", "echo it broke; exit 3"])


def test_the_usage_is_said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["setup.py", "everything"])
    assert setup.main() == 2
    assert "deploy | emulator | dev" in capsys.readouterr().err
