"""`make urls`: where people and programs find a stack."""

import json

import pytest

from client import __main__ as command_line
from client import urls
from client.stack_outputs import StackOutputs
from tests.client.test_operations import OUTPUTS

WITHOUT_SIGN_IN = StackOutputs(**{**vars(OUTPUTS), "gallery_url": "", "image_api_url": "", "api_client_id": ""})


def test_the_addresses_are_printed_one_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(urls, "read_stack_outputs", lambda _stack: OUTPUTS)
    assert command_line.main(["urls", "--stack", "dev"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "gallery  https://api-1.azurewebsites.net/",
        f"api      {OUTPUTS.image_api_url}",
        "token    https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token",
    ]


def test_the_addresses_as_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(urls, "read_stack_outputs", lambda _stack: OUTPUTS)
    assert command_line.main(["urls", "--stack", "dev", "--format", "json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == {
        "gallery": "https://api-1.azurewebsites.net/",
        "api": OUTPUTS.image_api_url,
        "token": "https://login.microsoftonline.com/tenant-1/oauth2/v2.0/token",
    }


@pytest.mark.parametrize(("output_format", "printed"), [("table", ""), ("json", "{}\n")])
def test_a_stack_without_sign_in_has_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], output_format: str, printed: str
) -> None:
    monkeypatch.setattr(urls, "read_stack_outputs", lambda _stack: WITHOUT_SIGN_IN)
    assert command_line.main(["urls", "--stack", "dev", "--format", output_format]) == 0
    captured = capsys.readouterr()
    assert captured.out == printed
    assert "the stack dev has no gallery and no API" in captured.err
