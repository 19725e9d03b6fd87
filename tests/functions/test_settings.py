"""The app's environment: every missing or wrong setting is named together."""

import re

import pytest
from classifier.settings import REQUIRED, Settings, SettingsError

GOOD = dict.fromkeys(REQUIRED, "x") | {
    "PIPELINE_FEATURES": '["tags"]', "PIPELINE_MIN_CONFIDENCE": "0.5", "PIPELINE_VISION_ENDPOINTS": '["https://v/"]',
}  # fmt: skip


def test_good_settings_are_read() -> None:
    settings = Settings.load(GOOD)
    assert settings.features == ("tags",)
    assert settings.min_confidence == 0.5


def test_all_that_is_missing_is_named_together() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.load({})
    assert [name for name in REQUIRED if f"{name} is not set" not in str(refusal.value)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPELINE_FEATURES", "tags"),
        ("PIPELINE_FEATURES", "[]"),
        ("PIPELINE_VISION_ENDPOINTS", "[1]"),
        ("PIPELINE_MIN_CONFIDENCE", "half"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{name} is {value!r}, not a")):
        Settings.load(GOOD | {name: value})
