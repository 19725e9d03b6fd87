"""The analyzer is found by its name: a new analyzer is one new module."""

import ast
import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from classifier import analyzers
from classifier.composition import create_analyzer
from classifier.settings import Settings
from common.adapters.azure_clients import create_transport
from common.settings import SettingsError

from tests.functions.pipeline.test_settings import GOOD
from tests.support.fake_vision_service import FakeVisionService, create_azure_clients

ROOT = Path(__file__).resolve().parents[3]
THIRD = """
from common.domain.models import Analysis

class Guess:
    fingerprint, features = "guess/1", ("tags",)
    def __init__(self, answer): self.answer = answer
    @property
    def calls(self): return (self,)
    def check_capacity(self): pass
    async def analyze(self, content, info, *, paid):
        return Analysis(analyzer="guess", api_version="1", model_version="1", findings={"tags": [self.answer]})

def build(options, features, azure):
    return Guess(options["answer"])
"""


def settings(analyzer: str, options: str) -> Settings:
    return Settings.load(GOOD | {"PIPELINE_ANALYZER": analyzer, "PIPELINE_ANALYZER_OPTIONS": options})


def test_a_third_analyzer_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "best_guess.py").write_text(THIRD)
    monkeypatch.setattr(analyzers, "__path__", [*analyzers.__path__, str(tmp_path)])
    analyzer: Any = create_analyzer(
        settings("best-guess", '{"answer": "cat"}'), create_azure_clients(FakeVisionService())
    )
    assert (analyzer.answer, analyzer.fingerprint) == ("cat", "guess/1")


@pytest.mark.parametrize("name", ["nobody", "account-pool"])
def test_a_name_without_an_analyzer_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match=f"PIPELINE_ANALYZER is '{name}', and there is no such analyzer"):
        create_analyzer(settings(name, "{}"), create_azure_clients(FakeVisionService()))


@pytest.mark.parametrize("name", ["content_understanding", "foundry_vision", "custom_vision"])
def test_an_analyzer_that_is_not_configured_costs_no_start_up(name: str) -> None:
    """Nor does one that needs no SDK load that of another: importing it takes a tenth of a second."""
    code = (
        f"import sys, classifier.triggers, classifier.composition, classifier.analyzers.{name};"
        " print(sorted(module for module in sys.modules if module.startswith(('azure.ai.', 'classifier.analyzers.'))))"
    )
    environment = {"PYTHONPATH": f"{ROOT / 'functions'}:{ROOT / 'functions/pipeline'}"}
    run = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    modules: list[str] = ast.literal_eval(run.stdout)
    assert not [module for module in modules if module.startswith("azure.ai.")]
    others = {"image_analysis", "custom_vision", "foundry_vision", "content_understanding"} - {name}
    assert not [module for module in modules if module.rpartition(".")[2] in others]


def test_whatever_does_not_answer_is_given_up() -> None:
    """The transport's own timeouts count: those of a client that is given one are ignored."""

    async def run() -> list[float]:
        transport = create_transport()
        assert transport.session is not None
        await transport.session.close()
        return [transport.connection_config.timeout, transport.connection_config.read_timeout]

    assert asyncio.run(run()) == [5, 30]
