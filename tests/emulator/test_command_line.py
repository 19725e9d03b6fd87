"""`python -m emulator`: addresses in what `exec --for-browser` prints, and what a command loads before it runs."""

import fcntl
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator import __main__ as command_line
from emulator.core.state_directory import StateDirectory
from tests.conftest import ROOT


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """A running daemon that writes `local` in the place of `azure`; the texts and ports it was called with."""
    received: list[tuple[str, int]] = []
    ports = SimpleNamespace(browser_addresses=1234)
    monkeypatch.setattr(StateDirectory, "read_daemon_info", lambda _self: SimpleNamespace(ports=ports))
    monkeypatch.setattr(command_line, "environment", lambda _directory, **_options: {"GREETING": "hello"})

    def map_for_browser(text: str, port: int) -> str:
        received.append((text, port))
        return text.replace("azure", "local")

    monkeypatch.setattr(command_line, "map_for_browser", map_for_browser)
    return received


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str, code: str) -> int:
    command = ["emulator", "exec", "--state-directory", str(tmp_path), *arguments, "--", sys.executable, "-c", code]
    monkeypatch.setattr(sys, "argv", command)
    return command_line.main()


def test_the_output_is_mapped_and_the_exit_code_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requests: list[tuple[str, int]], capfd: Any
) -> None:
    code = "import os; print(os.environ['GREETING'], 'azure'); raise SystemExit(3)"
    assert run(monkeypatch, tmp_path, "--for-browser", code=code) == 3
    assert requests == [("hello azure\n", 1234)]
    assert capfd.readouterr().out == "hello local\n"


def test_without_the_option_the_output_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, requests: list[tuple[str, int]], capfd: Any
) -> None:
    assert run(monkeypatch, tmp_path, code="print('azure')") == 0
    assert requests == []
    assert capfd.readouterr().out == "azure\n"


def test_only_the_daemon_loads_the_services() -> None:
    """Nearly every command of make runs several of these; the services take most of a second to import."""
    code = "import sys, emulator.__main__; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    assert not {"aiohttp", "emulator.daemon", "grpc", "numpy", "pulumi"} & set(printed.split())


def test_a_second_daemon_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "local.json").write_text('{"node": "node", "models": "models", "worker": "worker"}')
    state_directory = StateDirectory(tmp_path / "state")
    state_directory.create()
    command = ["emulator", "run", "--state-directory", str(state_directory.root), "--tools", str(tools)]
    monkeypatch.setattr(sys, "argv", command)
    with state_directory.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert command_line.main() == 1
    assert capsys.readouterr().err == f"error: a daemon is running on {state_directory.root} already\n"
