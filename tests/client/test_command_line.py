"""The command line of the client: sub-commands, options, exit codes."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from client import __main__ as command_line
from client.errors import ClientError
from client.operations import OperationResult
from tests.conftest import ROOT


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Pulumi CLI that prints no outputs; tests replace it."""
    program = tmp_path / "pulumi"
    program.write_text("#!/bin/sh\necho '{}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return program


def test_images_are_named_behind_a_double_dash_as_the_makefile_does() -> None:
    options = command_line.create_parser().parse_args(
        ["classify", "--stack", "dev", "--format", "json", "--timeout", "7.5", "--", "a b.jpg", "-c.png"]
    )
    assert options.images == ["a b.jpg", "-c.png"]
    assert (options.stack, options.format, options.timeout, options.samples) == ("dev", "json", 7.5, False)


def test_defaults() -> None:
    options = command_line.create_parser().parse_args(["classify", "--samples", "--"])
    assert (options.images, options.samples) == ([], True)
    assert (options.stack, options.format, options.timeout) == ("local", "table", 300)


@pytest.mark.parametrize(
    "arguments",
    [[], ["judge"], ["redrive", "--timeout", "3"], ["redrive", "--queue", "x"], ["classify", "--format", "xml"]],
    ids=str,
)
def test_what_does_not_exist_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exited:
        command_line.main(arguments)
    assert exited.value.code == 2
    assert "usage: python -m client" in capsys.readouterr().err


def test_without_an_image_the_command_says_how_to_name_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["classify", "--"]) == 2
    assert capsys.readouterr().err == 'error: no image given: make classify IMAGES="a.jpg b.png"\n'


@pytest.mark.usefixtures("pulumi")
@pytest.mark.parametrize("operation", ["redrive", "backfill"])
def test_an_operation_on_a_stack_without_outputs_fails(operation: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main([operation, "--stack", "dev"]) == 2
    assert capsys.readouterr().err == "error: the stack dev is not deployed: it has no outputs\n"


def test_a_stack_that_pulumi_does_not_know_fails_with_its_message(
    pulumi: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.write_text('#!/bin/sh\necho "error: no stack named $5 found" >&2\nexit 255\n')
    photo = str(ROOT / "README.md")
    assert command_line.main(["classify", "--stack", "dev", photo]) == 2
    assert capsys.readouterr().err == "error: the stack dev is not deployed: error: no stack named dev found\n"


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"redriven": 3, "kept": 1, "finished": True}, 0),
        ({"redriven": 3, "kept": 1, "finished": False}, 1),
        ({"backfill": "begins with the next run of reconcile"}, 0),
    ],
    ids=["finished", "not finished", "backfill"],
)
def test_the_answer_of_an_operation_is_printed_and_decides_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], result: OperationResult, code: int
) -> None:
    calls: list[tuple[str, str, Mapping[str, str]]] = []

    def call_operation(stack: str, operation: str, parameters: Mapping[str, str]) -> OperationResult:
        calls.append((stack, operation, parameters))
        return result

    monkeypatch.setattr("client.operations.call_operation", call_operation)
    assert command_line.main(["redrive", "--stack", "dev", "--format", "json"]) == code
    assert json.loads(capsys.readouterr().out) == result
    assert command_line.main(["redrive", "--queue", "shadow", "--stack", "dev"]) == code
    table = capsys.readouterr().out
    for name, value in result.items():
        assert name in table
        assert str(value) in table
    assert command_line.main(["backfill", "--stack", "dev"]) == code
    assert calls == [
        ("dev", "redrive", {"queue": "images"}),
        ("dev", "redrive", {"queue": "shadow"}),
        ("dev", "backfill", {}),
    ]


def test_an_error_of_an_operation_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def call_operation(stack: str, operation: str, _parameters: Mapping[str, str]) -> OperationResult:
        raise ClientError(f"{operation} on {stack} was refused with 403")

    monkeypatch.setattr("client.operations.call_operation", call_operation)
    assert command_line.main(["backfill", "--stack", "dev"]) == 2
    assert capsys.readouterr().err == "error: backfill on dev was refused with 403\n"


def test_the_package_is_a_command() -> None:
    command = [sys.executable, "-m", "client", "--help"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("usage: python -m client")
    for name in ("classify", "redrive", "backfill"):
        assert f"\n    {name} " in printed
