"""The rule for tags, on a small hierarchy."""

import json
from pathlib import Path

import numpy as np
import pytest

from emulator.services.vision.models import Box, Detection
from emulator.services.vision.tags import Level, Tag, TagHierarchy

CLASSES = ["tabby", "Persian cat", "lion", "Great Dane", "sorrel", "daisy", "tripod", "tench", "carp"]
GENERAL_TAGS = [
    {"name": "animal", "basic": False, "classes": [0, 1, 2, 3, 4, 7, 8]},
    {"name": "mammal", "basic": False, "classes": [0, 1, 2, 3, 4]},
    {"name": "cat", "basic": True, "classes": [0, 1]},
    {"name": "dog", "basic": True, "classes": [3]},
    {"name": "horse", "basic": True, "classes": [4]},
    {"name": "flower", "basic": True, "classes": [5]},
    {"name": "fish", "basic": False, "classes": [7, 8]},
]
DETECTABLE = ["person", "cat", "dog", "horse", "chair"]


@pytest.fixture
def hierarchy(tmp_path: Path) -> TagHierarchy:
    path = tmp_path / "hierarchy.json"
    path.write_text(json.dumps({"classes": CLASSES, "generalTags": GENERAL_TAGS}))
    return TagHierarchy(path, DETECTABLE)


def tags_of(hierarchy: TagHierarchy, probabilities: dict[str, float], **detected: float) -> list[Tag]:
    array = np.array([probabilities.get(name, 0.0) for name in CLASSES], np.float32)
    return hierarchy.tags(array, [located(name, confidence) for name, confidence in detected.items()])


def located(name: str, confidence: float) -> Detection:
    return Detection(name=name, confidence=confidence, box=Box(x=0, y=0, width=10, height=10))


def confidences(tags: list[Tag]) -> dict[str, float]:
    """Of single precision, as the model's are."""
    return {tag.name: round(tag.confidence, 6) for tag in tags}


def test_probabilities_of_similar_classes_add_up_to_the_basic_tag(hierarchy: TagHierarchy) -> None:
    tags = tags_of(hierarchy, {"tabby": 0.4, "Persian cat": 0.3})
    assert confidences(tags) == {"cat": 0.7, "mammal": 0.7, "animal": 0.7, "tabby": 0.4, "Persian cat": 0.3}
    assert [tag.name for tag in tags] == ["cat", "mammal", "animal", "tabby", "Persian cat"]
    assert [tag.level for tag in tags] == [Level.BASIC, Level.WIDE, Level.WIDE, Level.SPECIAL, Level.SPECIAL]


def test_a_wider_tag_is_no_surer_than_the_basic_tag_that_has_most_of_it(hierarchy: TagHierarchy) -> None:
    tags = tags_of(hierarchy, {"tabby": 0.6, "sorrel": 0.3})
    assert confidences(tags)["animal"] == 0.6
    assert tags[0].name == "cat"


def test_without_such_a_basic_tag_the_wider_one_is_the_sum(hierarchy: TagHierarchy) -> None:
    tags = tags_of(hierarchy, {"tabby": 0.3, "sorrel": 0.3, "Great Dane": 0.3})
    assert confidences(tags)["animal"] == 0.9
    assert confidences(tags)["cat"] == 0.3
    assert tags[0].level is Level.WIDE


def test_a_class_below_no_basic_tag_is_one_itself(hierarchy: TagHierarchy) -> None:
    tags = tags_of(hierarchy, {"tripod": 0.6, "lion": 0.3})
    assert [(tag.name, tag.level) for tag in tags[:2]] == [("tripod", Level.BASIC), ("lion", Level.BASIC)]


def test_probabilities_near_chance_do_not_add_up(tmp_path: Path) -> None:
    names = [f"fish {index}" for index in range(90)]
    path = tmp_path / "many.json"
    general = [{"name": "fish", "basic": True, "classes": list(range(90))}]
    path.write_text(json.dumps({"classes": names, "generalTags": general}))
    hierarchy = TagHierarchy(path, [])
    assert hierarchy.tags(np.full(90, 0.0099), []) == []
    assert hierarchy.tags(np.full(90, 0.0101), [])[0].confidence == pytest.approx(0.909)


def test_a_located_object_brings_its_wider_tags_along(hierarchy: TagHierarchy) -> None:
    assert confidences(tags_of(hierarchy, {}, horse=0.7, chair=0.6)) == {
        "horse": 0.7,
        "mammal": 0.7,
        "animal": 0.7,
        "chair": 0.6,
    }


def test_the_surer_of_classifier_and_detector_counts(hierarchy: TagHierarchy) -> None:
    assert confidences(tags_of(hierarchy, {"tabby": 0.9}, cat=0.5))["cat"] == 0.9
    assert confidences(tags_of(hierarchy, {"tabby": 0.2}, cat=0.5))["cat"] == 0.5


def test_what_the_detector_knows_and_did_not_locate_yields_to_a_rival_that_it_located(hierarchy: TagHierarchy) -> None:
    tags = tags_of(hierarchy, {"Great Dane": 0.8}, horse=0.7)
    assert confidences(tags) == {"horse": 0.7, "mammal": 0.7, "animal": 0.7, "dog": 0.3, "Great Dane": 0.3}
    assert confidences(tags_of(hierarchy, {"Great Dane": 0.8}, horse=0.7, dog=0.5))["dog"] == 0.8
    assert confidences(tags_of(hierarchy, {"Great Dane": 0.8}, person=0.7))["dog"] == 0.8


def test_a_lion_that_the_detector_calls_a_cat_is_a_lion(hierarchy: TagHierarchy) -> None:
    cat = located("cat", 0.6)
    tags = tags_of(hierarchy, {"lion": 0.9}, cat=0.6)
    assert tags[0].name == "lion"
    assert hierarchy.subject(cat, tags) == "lion"
    assert hierarchy.subject(located("person", 0.6), tags) == "person"
    assert hierarchy.subject(cat, tags_of(hierarchy, {"lion": 0.5}, cat=0.6)) == "cat"
    assert hierarchy.subject(cat, tags_of(hierarchy, {"tripod": 0.9}, cat=0.6)) == "cat"


def test_a_kite_that_the_detector_located_is_a_toy_and_no_bird(tmp_path: Path) -> None:
    path = tmp_path / "kites.json"
    general = [{"name": "bird", "basic": True, "classes": [0, 1]}]
    path.write_text(json.dumps({"classes": ["kite", "jay"], "generalTags": general}))
    hierarchy = TagHierarchy(path, ["kite"])
    assert confidences(hierarchy.tags(np.zeros(2), [located("kite", 0.6)])) == {"kite": 0.6}
    assert confidences(hierarchy.tags(np.array([0.6, 0.0]), [])) == {"bird": 0.6, "kite": 0.6}


def test_tags_are_sorted_by_confidence(hierarchy: TagHierarchy) -> None:
    tags = tags_of(hierarchy, {"tabby": 0.3, "daisy": 0.4, "tench": 0.2}, chair=0.5, person=0.35)
    order = [tag.confidence for tag in tags]
    assert order == sorted(order, reverse=True)
    assert len({tag.name for tag in tags}) == len(tags)
