"""Which settings each rule on the analyzers is about: an error of one of them hides the rule's own error."""

from datetime import date
from typing import Any

import pytest

from infra.config.foundry_rules import foundry_violations
from infra.config.models import MODELS
from infra.config.settings import Settings
from infra.config.shadow_rules import shadow_violations
from infra.core.analysis import AnalyzerName, FoundryModel
from tests.infra.test_settings import GOOD

TODAY = date(2026, 11, 29)
FEATURES = ("tags", "objects")
SHADOW = {"analyzer": "foundry-vision", "percent": 5}


def of_foundry(analyzer: AnalyzerName, *others: AnalyzerName, **arguments: Any) -> set[tuple[str, tuple[str, ...]]]:
    defaults: dict[str, Any] = {"gender_neutral_captions": False, "min_confidence_percent": None, "features": ("tags",)}
    violations = foundry_violations(
        analyzer=analyzer,
        analyzers=(analyzer, *others),
        settings=Settings.parse({}),
        today=TODAY,
        **defaults | arguments,
    )
    return {(violation.setting, violation.other_settings) for violation in violations}


def test_rules_on_the_models_of_foundry() -> None:
    assert of_foundry("foundry-vision", features=FEATURES, gender_neutral_captions=True, min_confidence_percent=50) == {
        ("features", ("analyzer",)),
        ("minConfidencePercent", ("analyzer",)),
        ("genderNeutralCaptions", ("analyzer",)),
    }
    assert of_foundry("content-understanding", features=("read",)) == {("features", ("analyzer",))}
    beside = of_foundry("image-analysis", "content-understanding", features=("read",))
    assert beside == {("features", ("shadow", "retainedAnalyzers"))}


def of_shadow(analyzer: AnalyzerName, today: date = TODAY, **changes: Any) -> set[tuple[str, tuple[str, ...]]]:
    parsed = Settings.parse({"foundry": {"location": "swedencentral"}, "shadow": SHADOW})
    values = {"shadow": parsed.shadow, "retained_analyzers": (), "agreement": parsed.agreement} | changes
    violations = shadow_violations(
        analyzer=analyzer,
        # The rules of the settings themselves would refuse them.
        settings=Settings.model_construct(**values),
        features=changes.get("features", ("tags",)),
        model=FoundryModel(),
        accept_retiring_model=False,
        today=today,
    )
    return {(violation.setting, violation.other_settings) for violation in violations}


def test_rules_on_the_shadow() -> None:
    assert of_shadow("foundry-vision") == {("shadow", ("analyzer",))}
    assert of_shadow("image-analysis", features=("objects",)) == {("shadow", ("features",))}
    both = of_shadow("image-analysis", retained_analyzers=("foundry-vision",))
    assert both == {("retainedAnalyzers", ("shadow",))}
    own = of_shadow("image-analysis", retained_analyzers=("image-analysis",))
    assert own == {("retainedAnalyzers", ("analyzer",))}
    floors = Settings.parse({"foundry": {}, "shadow": SHADOW, "agreement": {"minImages": 7}}).agreement
    assert of_shadow("image-analysis", shadow=None, agreement=floors) == {("agreement", ("shadow",))}


def test_the_retirement_of_a_model_in_the_shadow_is_about_all_settings_that_name_it() -> None:
    retiring = of_shadow("custom-vision", date(2027, 9, 1))
    assert retiring == {("foundry", ("analyzer", "acceptRetiringModel", "shadow", "retainedAnalyzers"))}


def test_the_model_is_that_of_the_defaults_without_the_setting() -> None:
    assert Settings.parse({name: value for name, value in GOOD.items() if name != "foundry"}).foundry == FoundryModel()


@pytest.mark.parametrize(
    ("name", "version", "retires"),
    [("gpt-5.4-mini", "2026-03-17", date(2027, 9, 21)), ("gpt-5.6-luna", "2026-07-09", date(2028, 1, 11))],
)
def test_the_dates_of_retirement_are_those_of_the_schedule(name: str, version: str, retires: date) -> None:
    """The schedule of 2026-09-02; its address is in infra/config/models.py."""
    assert [row.retires for row in MODELS if (row.name, row.version) == (name, version)] == [retires]
