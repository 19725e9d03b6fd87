"""Settings are read whole: what is wrong is said together, with key, value and what is allowed."""

from typing import Any

import pytest

from infra.settings import Settings, SettingsError

GOOD: dict[str, Any] = {
    "location": "northeurope", "namePrefix": "imgpipe", "features": ["tags", "caption"], "minConfidencePercent": 50,
    "uploaders": [], "imagesPerMonth": 5000, "peakFactor": 4, "visionCallsPerSecond": 10, "cacheDays": 90,
    "logRetentionDays": 30, "rolePropagationSeconds": 120, "tags": {"team": "vision"},
}  # fmt: skip


def parse(**changes: Any) -> Settings:
    return Settings.parse((GOOD | changes).get)


def test_good_settings_are_taken_over() -> None:
    settings = parse(minConfidencePercent=35)
    assert settings.min_confidence == 0.35
    assert settings.features == ("tags", "caption")
    assert settings.tags == {"team": "vision"}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("location", "West Europe", "such as northeurope"),
        ("location", "westus3", "a region with Image Analysis 4.0 and Flex Consumption"),
        ("namePrefix", "Image-Pipeline", "2 to 10 lower-case letters"),
        ("features", ["tags", "faces"], "a list out of tags, objects"),
        ("features", [], "at least one of"),
        ("features", ["tags", "tags"], "each once"),
        ("features", "tags", "a list out of"),
        ("minConfidencePercent", 101, "0 to 100"),
        ("minConfidencePercent", True, "0 to 100"),
        ("uploaders", ["somebody"], "GUIDs"),
        ("imagesPerMonth", 0, "1 to 1000000000000"),
        ("imagesPerMonth", 900_000_000_000, "at most 1000"),
        ("peakFactor", 0, "1 to 100"),
        ("visionCallsPerSecond", 101, "1 to 100"),
        ("cacheDays", 0, "1 to 3650"),
        ("logRetentionDays", 7, "30 to 730"),
        ("rolePropagationSeconds", -1, "0 to 900"),
        ("tags", {"a<b": "x"}, "up to 40 texts by name"),
        ("tags", {"a": 1}, "up to 40 texts by name"),
    ],
)
def test_a_bad_value_is_refused_with_key_value_and_what_is_allowed(key: str, value: Any, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        parse(**{key: value})
    line = next(line for line in str(refusal.value).splitlines() if line.strip().startswith(f"{key}:"))
    assert repr(value) in line
    assert said in line


def test_captions_need_a_region_that_has_them() -> None:
    with pytest.raises(SettingsError, match=r"no captions in swedencentral; regions that have them: .*northeurope"):
        parse(location="swedencentral")
    assert parse(location="swedencentral", features=["tags"]).location == "swedencentral"


def test_all_errors_are_reported_together() -> None:
    with pytest.raises(SettingsError) as refusal:
        parse(namePrefix="", cacheDays=0, tags=None)
    assert [word for word in ("namePrefix", "cacheDays", "tags") if word not in str(refusal.value)] == []
