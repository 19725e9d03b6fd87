"""The app's environment: every missing or wrong setting is named together."""

import re

import pytest
from classifier.settings import OPTIONAL, REQUIRED, OperatorPrincipal, Settings, SettingsError

GOOD = dict.fromkeys(REQUIRED, "x") | {
    "PIPELINE_FEATURES": '["tags"]', "PIPELINE_MIN_CONFIDENCE": "0.5", "PIPELINE_ANALYZER_OPTIONS": '{"a": 1}',
    "PIPELINE_MAX_RETRY_AGE_HOURS": "168", "PIPELINE_TRIGGER": "events",
}  # fmt: skip
ALL = GOOD | dict.fromkeys(OPTIONAL, "y") | {"PIPELINE_OPERATORS": '[{"objectId": "me", "principalType": "Group"}]'}


def test_good_settings_are_read() -> None:
    settings = Settings.load(GOOD)
    assert (settings.features, settings.min_confidence, settings.scheduled) == (("tags",), 0.5, False)
    assert (settings.analyzer_options, settings.poison_queue) == ({"a": 1}, "x-poison")
    assert (settings.results_endpoint, settings.classified_container, settings.operators) == (None, None, ())


def test_optional_settings_are_read_too() -> None:
    settings = Settings.load(ALL)
    assert (settings.results_endpoint, settings.classified_container) == ("y", "y")
    assert settings.operators == (OperatorPrincipal(object_id="me", principal_type="Group"),)


def test_all_that_is_missing_is_named_together() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.load({})
    assert [name for name in REQUIRED if f"{name} is not set" not in str(refusal.value)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPELINE_FEATURES", "tags"),
        ("PIPELINE_FEATURES", "[]"),
        ("PIPELINE_ANALYZER_OPTIONS", "[1]"),
        ("PIPELINE_MIN_CONFIDENCE", "half"),
        ("PIPELINE_MIN_CONFIDENCE", "1.5"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "inf"),
        ("PIPELINE_TRIGGER", "sometimes"),
        ("PIPELINE_OPERATORS", "me"),
        ("PIPELINE_OPERATORS", "[]"),
        ("PIPELINE_OPERATORS", '["me"]'),
        ("PIPELINE_OPERATORS", '[{"objectId": "me"}]'),
        ("PIPELINE_OPERATORS", '[{"objectId": "me", "principalType": "Everybody"}]'),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{name} is {value!r}, not ")):
        Settings.load(GOOD | {name: value})
