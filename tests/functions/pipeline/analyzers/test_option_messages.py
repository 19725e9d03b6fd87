"""What is wrong with an analyzer's options is listed in alphabetical order."""

from typing import Any

import pytest
from classifier.analyzers.custom_vision import CustomVisionOptions
from classifier.analyzers.options import parse_options
from common.settings import SettingsError

VALID: dict[str, Any] = {
    "endpoint": "https://vision",
    "project": "p",
    "iteration": "1",
    "task": "multilabel",
    "callsPerSecond": 10,
    "instances": 2,
}


def problems(options: dict[str, Any], features: list[str]) -> str:
    with pytest.raises(SettingsError) as error:
        parse_options(options, CustomVisionOptions, analyzer="custom-vision", features=features, supported=("tags",))
    return str(error.value)


def test_unknown_options_are_sorted() -> None:
    unknown = {"f": 1, "b": 1, "e": 1, "a": 1, "g": 1, "c": 1, "d": 1}
    assert problems(VALID | unknown, ["tags"]) == (
        "the analyzer custom-vision: a is unknown; b is unknown; c is unknown; d is unknown; e is unknown;"
        " f is unknown; g is unknown"
    )


def test_unsupported_features_are_sorted() -> None:
    features = ["read", "people", "caption", "tags", "smartCrops", "objects", "embeddings", "safety"]
    assert problems(VALID, features) == (
        "the analyzer custom-vision: the features caption, embeddings, objects, people, read, safety, smartCrops"
        " are not among tags"
    )
