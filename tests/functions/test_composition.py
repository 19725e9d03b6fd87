"""The analyser by its name: one new file is enough for another one."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from classifier import analyzers
from classifier.adapters.azure_clients import connections
from classifier.composition import _analyzer
from classifier.settings import Settings, SettingsError

from tests.functions.test_settings import GOOD
from tests.support.fake_vision_service import OPTIONS, Service, world

THIRD = """
from classifier.domain.models import Analysis

class Guess:
    identity, features = "guess/1", ("tags",)
    def __init__(self, answer): self.answer = answer
    def ready(self): pass
    async def analyze(self, content, info):
        return Analysis(analyzer="guess", api_version="1", model_version="1", findings={"tags": [self.answer]})

def build(options, features, world):
    return Guess(options["answer"])
"""


def settings(analyzer: str, options: str) -> Settings:
    return Settings.load(GOOD | {"PIPELINE_ANALYZER": analyzer, "PIPELINE_ANALYZER_OPTIONS": options})


def test_a_third_analyser_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "best_guess.py").write_text(THIRD)
    monkeypatch.setattr(analyzers, "__path__", [*analyzers.__path__, str(tmp_path)])
    found: Any = _analyzer(settings("best-guess", '{"answer": "cat"}'), world(Service()))
    assert (found.answer, found.identity) == ("cat", "guess/1")


@pytest.mark.parametrize("name", ["nobody", "pool"])
def test_a_name_without_an_analyser_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"PIPELINE_ANALYZER is '{name}', and there is no such analyser"):
        _analyzer(settings(name, "{}"), world(Service()))


def test_both_analysers_are_found_by_their_names() -> None:
    found = _analyzer(settings("image-analysis", json.dumps(OPTIONS)), world(Service()))
    assert found.identity.startswith("azure-image-analysis/")


def test_whatever_does_not_answer_is_given_up() -> None:
    """The transport's own timeouts count: those of a client that is given one are ignored."""

    async def run() -> list[float]:
        transport = connections()
        assert transport.session is not None
        await transport.session.close()
        return [transport.connection_config.timeout, transport.connection_config.read_timeout]

    assert asyncio.run(run()) == [5, 30]
