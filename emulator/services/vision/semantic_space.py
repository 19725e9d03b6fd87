"""One space of 1,024 dimensions for images and texts, from the tags of images and the nouns of WordNet.

Each meaning that a tag can have, each color and each other word has a direction of its own: 1,024 signs that are taken
from a hash of its name. Such directions are almost at right angles (Johnson and Lindenstrauss, 1984; with signs:
Achlioptas, 2003), so that a cosine is the sum over what both sides share, with a standard deviation of 0.03. The same
name has the same direction on every machine. See docs/decisions/0024.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from emulator.services.vision.tags import Tag
from emulator.services.vision.terms import COLORS, Term, find_terms

DIMENSIONS = 1024
# Of an image: its colors, from this share of the pixels upward, and how unsure its surest tag is.
_COLOR_OF_IMAGE = 0.2
_LEAST_SHARE = 0.1
_UNSURE = 0.5
# Of a text, beside a noun that a tag can mean: a color, and a word that nothing visible is known of.
_COLOR_OF_TEXT = 0.7
_OTHER_WORD = 0.4


class _Rows:
    """The weights of tags or nouns over synsets, by name."""

    def __init__(self, arrays: Mapping[str, np.ndarray], kind: str) -> None:
        names = [name.decode() for name in arrays[f"{kind}_names"]]
        self.numbers = {name: number for number, name in enumerate(names)}
        self._starts = np.concatenate([[0], arrays[f"{kind}_ends"]])
        self._synsets = arrays[f"{kind}_synsets"]
        self._weights = arrays[f"{kind}_weights"]
        self._own = arrays[f"{kind}_own"]

    def get(self, name: str) -> tuple[np.ndarray, np.ndarray, float]:
        """Return the numbers of the synsets, their weights, and the weight of what is not visible."""
        number = self.numbers[name]
        row = slice(self._starts[number], self._starts[number + 1])
        return self._synsets[row], self._weights[row], float(self._own[number])


class SemanticSpace:
    """Vectors of length 1.

    Args:
        path: lexicon.npz, which emulator.services.vision.weights writes.
    """

    def __init__(self, path: Path) -> None:
        with np.load(path) as arrays:
            self._tags = _Rows(arrays, "tag")
            self._nouns = _Rows(arrays, "noun")
            synsets = arrays["synsets"]
        self._directions = np.stack([_direction(f"synset {offset}") for offset in synsets])

    def embed_image(self, tags: Sequence[Tag], colors: Mapping[str, float]) -> np.ndarray:
        """Return the vector of an image.

        Args:
            tags: Its tags, each with a name that the lexicon has.
            colors: The share of the pixels of each color.
        """
        weights = np.zeros(len(self._directions), np.float32)
        for tag in tags:
            synsets, tag_weights, _ = self._tags.get(tag.name)
            weights[synsets] = np.maximum(weights[synsets], tag.confidence * tag_weights)
        vector = weights @ self._directions
        for color, share in colors.items():
            if share >= _LEAST_SHARE:
                vector += _COLOR_OF_IMAGE * math.sqrt(share) * _direction(f"color {color}")
        surest = max((tag.confidence for tag in tags), default=0.0)
        vector += _UNSURE * (1 - surest) * _direction("unsure")
        return _normalized(vector)

    def embed_text(self, text: str) -> np.ndarray:
        """Return the vector of a text. Words that are not in the lexicon have directions that no image has."""
        terms = find_terms(text, self._nouns.numbers)
        if not terms:
            # Nothing but stop words and punctuation.
            terms = [Term(text=text, is_noun=False)]
        return _normalized(np.sum([self._embed_term(term) for term in terms], axis=0))

    def _embed_term(self, term: Term) -> np.ndarray:
        if term.text in COLORS:
            return _COLOR_OF_TEXT * _direction(f"color {term.text}")
        word = _direction(f"word {term.text}")
        if not term.is_noun:
            return _OTHER_WORD * word
        synsets, weights, own = self._nouns.get(term.text)
        return weights @ self._directions[synsets] + own * word


def _direction(name: str) -> np.ndarray:
    digest = hashlib.shake_256(name.encode()).digest(DIMENSIONS // 8)
    signs = np.unpackbits(np.frombuffer(digest, np.uint8)).astype(np.float32) * 2 - 1
    return signs / np.float32(math.sqrt(DIMENSIONS))


def _normalized(vector: np.ndarray) -> np.ndarray:
    return (vector / np.linalg.norm(vector)).astype(np.float32)
