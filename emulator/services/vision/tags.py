"""The tags of an image: the classes, the detected objects, and general tags above both. The rule is the emulator's own.

See docs/decisions/0038-general-tags.md.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TypedDict

import numpy as np

from emulator.services.vision.models import Detection

_FLOOR = 0.05
# Ten times chance. Less is noise, and of a thousand classes 398 are animals: without this limit, their noise adds up to
# an animal in every image that shows nothing the classifier knows.
_CLASS_FLOOR = 0.01
_AT_MOST = 10
# The detector's kite is a toy, the classifier's a bird.
_HOMONYMS = frozenset({"kite"})
# A wider tag takes over the confidence of the basic tag below it that has at least this share of its probability.
_MAJORITY = 0.5


class Level(IntEnum):
    """How general a tag is; of tags of the same confidence, the lower number comes first."""

    BASIC = 0
    SPECIAL = 1
    WIDE = 2


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A name for what an image shows, with a confidence of 0 to 1."""

    name: str
    confidence: float
    level: Level


class _GeneralTagEntry(TypedDict):
    name: str
    basic: bool
    classes: list[int]


class _Hierarchy(TypedDict):
    classes: list[str]
    generalTags: list[_GeneralTagEntry]


@dataclass(frozen=True, kw_only=True)
class _GeneralTag:
    name: str
    level: Level
    classes: frozenset[int]


class TagHierarchy:
    """The classes, the names that the detector knows, and the general tags above them.

    `class_names` has the names of the classes, in the order of the model's outputs.

    Args:
        path: hierarchy.json, which emulator.services.vision.weights writes.
        detectable: All names that the detector knows.
    """

    def __init__(self, path: Path, detectable: Sequence[str]) -> None:
        document: _Hierarchy = json.loads(path.read_text())
        self.class_names: list[str] = document["classes"]
        general = [
            _GeneralTag(
                name=entry["name"],
                level=Level.BASIC if entry["basic"] else Level.WIDE,
                classes=frozenset(entry["classes"]),
            )
            for entry in document["generalTags"]
        ]
        # The narrowest first, so that a tag is limited by what has been limited already.
        self._general = sorted(general, key=lambda tag: len(tag.classes))
        below_basic = frozenset[int]().union(*(tag.classes for tag in general if tag.level is Level.BASIC))
        self._class_levels = [
            Level.SPECIAL if index in below_basic else Level.BASIC for index in range(len(self.class_names))
        ]
        self._detectable = {
            name: frozenset[int]() if name in _HOMONYMS else self._classes_of(name) for name in detectable
        }
        self._rivals = {name: self._rivals_of(name) for name in detectable}

    def names(self) -> set[str]:
        """Return every name that a tag can have."""
        return {*self.class_names, *self._detectable, *(tag.name for tag in self._general)}

    def tags(self, probabilities: np.ndarray, detections: Sequence[Detection]) -> list[Tag]:
        """Return the tags of an image, by falling confidence.

        Args:
            probabilities: Of each class, in the order of the model's outputs.
            detections: The objects that were located.
        """
        detected: dict[str, float] = {}
        for detection in detections:
            detected[detection.name] = max(detection.confidence, detected.get(detection.name, 0.0))
        adjusted = self._prefer_detected(probabilities, detected)
        tags = [Tag(name=name, confidence=confidence, level=Level.BASIC) for name, confidence in detected.items()]
        tags.extend(
            Tag(name=self.class_names[index], confidence=float(adjusted[index]), level=self._class_levels[index])
            for index in np.argsort(-adjusted, kind="stable")[:_AT_MOST]
        )
        tags.extend(self._general_tags(adjusted, detected))
        return _merge(tag for tag in tags if tag.confidence >= _FLOOR)

    def subject(self, detection: Detection, tags: Sequence[Tag]) -> str:
        """Return the name for a located object.

        The detector knows 80 names only, and calls a lion a cat. A surer basic tag that it does not know, and that is
        below the same wider tag, is the better name.
        """
        classes = self._detectable.get(detection.name, frozenset())
        for tag in tags:
            if tag.confidence <= detection.confidence:
                break
            is_unknown_to_detector = tag.level is Level.BASIC and tag.name not in self._detectable
            if is_unknown_to_detector and self._share_wide_tag(classes, self._classes_of(tag.name)):
                return tag.name
        return detection.name

    def _classes_of(self, name: str) -> frozenset[int]:
        """The classes that a name stands for; none if neither ImageNet nor the list of general tags has it."""
        for tag in self._general:
            if tag.name == name:
                return tag.classes
        return frozenset(index for index, class_name in enumerate(self.class_names) if class_name == name)

    def _rivals_of(self, name: str) -> frozenset[str]:
        """The other names that the detector knows and that are below the same wider tag."""
        classes = self._detectable[name]
        return frozenset(
            other
            for other, other_classes in self._detectable.items()
            if other != name and self._share_wide_tag(classes, other_classes)
        )

    def _share_wide_tag(self, classes: frozenset[int], others: frozenset[int]) -> bool:
        if not classes or not others:
            return False
        return any(tag.level is Level.WIDE and classes | others <= tag.classes for tag in self._general)

    def _prefer_detected(self, probabilities: np.ndarray, detected: dict[str, float]) -> np.ndarray:
        """Lower the classes of what the detector knows and did not locate, where it located another of its kind.

        An image of a horse, with 0.7, is one of a dog with 0.3 at most, if the detector saw no dog.
        """
        adjusted = probabilities.astype(np.float64)
        for name, classes in self._detectable.items():
            rivals = self._rivals[name] & detected.keys()
            if rivals and name not in detected:
                members = sorted(classes)
                total = float(adjusted[members].sum())
                limit = 1 - max(detected[rival] for rival in rivals)
                if total > limit:
                    adjusted[members] *= limit / total
        return adjusted

    def _general_tags(self, probabilities: np.ndarray, detected: dict[str, float]) -> Iterable[Tag]:
        """The sums of the classes below each general tag, raised to what was located and limited to the basic tag."""
        evidence = np.where(probabilities >= _CLASS_FLOOR, probabilities, 0.0)
        located = [(self._detectable[name], confidence) for name, confidence in detected.items()]
        basic = [
            (frozenset({int(index)}), float(evidence[index]))
            for index in np.flatnonzero(evidence)
            if self._class_levels[index] is Level.BASIC
        ]
        basic.extend(
            (classes, confidence)
            for classes, confidence in located
            if all(self._class_levels[index] is Level.BASIC for index in classes)
        )
        for tag in self._general:
            # In floating point, the sum may exceed 1.
            total = min(1.0, float(evidence[sorted(tag.classes)].sum()))
            confidence = max(total, _surest_below(tag.classes, located))
            narrower = _surest_below(tag.classes, basic)
            if narrower >= _MAJORITY * confidence:
                confidence = narrower
            if tag.level is Level.BASIC:
                basic.append((tag.classes, confidence))
            yield Tag(name=tag.name, confidence=confidence, level=tag.level)


def _surest_below(classes: frozenset[int], others: Iterable[tuple[frozenset[int], float]]) -> float:
    """The highest confidence of what stands for these classes or for some of them; 0 if nothing does."""
    return max((confidence for below, confidence in others if below and below <= classes), default=0.0)


def _merge(tags: Iterable[Tag]) -> list[Tag]:
    """Each name once, with its highest confidence and lowest level; sorted by confidence, then by level."""
    merged: dict[str, Tag] = {}
    for tag in tags:
        other = merged.get(tag.name, tag)
        merged[tag.name] = Tag(
            name=tag.name,
            confidence=max(tag.confidence, other.confidence),
            level=min(tag.level, other.level),
        )
    return sorted(merged.values(), key=lambda tag: (-tag.confidence, tag.level))
