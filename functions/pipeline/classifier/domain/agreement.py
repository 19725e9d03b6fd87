"""Agreement of the findings of two analyzers, from 0 to 1."""

import re
from collections import Counter
from collections.abc import Sequence

# A sample is taken of so many classes of contents.
_CLASSES = 10_000


def is_sampled(content_sha256: str, percent: float) -> bool:
    """Return whether a content belongs to the sample: the same ones in every stack, at every retry and replay.

    Args:
        content_sha256: hash of the content, in hexadecimal.
        percent: the share of the contents that is sampled.
    """
    return int(content_sha256[:8], 16) % _CLASSES < round(percent * _CLASSES / 100)


def label_agreement(labels: Sequence[str], other_labels: Sequence[str]) -> float:
    """Return the Jaccard index: the labels that both have, as a share of those that either has; 1 without any."""
    names = {_normalize(label) for label in labels}
    other_names = {_normalize(label) for label in other_labels}
    either = names | other_names
    return 1.0 if not either else len(names & other_names) / len(either)


def same_name(name: str | None, other_name: str | None) -> bool:
    """Return whether both names are the same, but for upper and lower case, or there are none."""
    if name is None or other_name is None:
        return name is other_name
    return _normalize(name) == _normalize(other_name)


def caption_agreement(caption: str, other_caption: str) -> float:
    """Return the F1 score of the words of both captions: harmonic mean of precision and recall; 1 without any."""
    words = Counter(re.findall(r"\w+", caption.casefold()))
    other_words = Counter(re.findall(r"\w+", other_caption.casefold()))
    total = words.total() + other_words.total()
    return 1.0 if not total else 2 * (words & other_words).total() / total


def text_error_rate(text: str, other_text: str) -> float:
    """Return the edits that make `other_text` of `text`, for each of its characters, at most 1; 0 without any text.

    White space of any length counts as one space.
    """
    reference = " ".join(text.split())
    other = " ".join(other_text.split())
    if not reference:
        return 1.0 if other else 0.0
    return min(1.0, _edit_distance(reference, other) / len(reference))


def _normalize(name: str) -> str:
    return name.strip().casefold()


def _edit_distance(first: str, second: str) -> int:
    """Return the Levenshtein distance, with one integer as a row of the matrix, in which each character is a bit.

    https://doi.org/10.1145/316542.316550 (Myers 1999), in the form of Hyyrö. A page of text takes milliseconds; the
    matrix itself would take seconds.
    """
    mask = (1 << len(first)) - 1
    last = 1 << (len(first) - 1)
    positions: dict[str, int] = {}
    for index, character in enumerate(first):
        positions[character] = positions.get(character, 0) | 1 << index
    higher = mask
    lower = 0
    distance = len(first)
    for character in second:
        matches = positions.get(character, 0)
        diagonal = (((matches & higher) + higher) ^ higher) | matches | lower
        increases = lower | ~(diagonal | higher) & mask
        decreases = higher & diagonal
        distance += bool(increases & last) - bool(decreases & last)
        increases = increases << 1 | 1
        decreases = decreases << 1
        higher = (decreases | ~(diagonal | increases)) & mask
        lower = increases & diagonal & mask
    return distance
