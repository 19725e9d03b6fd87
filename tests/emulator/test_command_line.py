"""`python -m emulator exec --for-browser`: what a command prints has addresses that a browser can open."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator import __main__ as command_line
from emulator.core.state_directory import StateDirectory


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
