"""Why a record matches a search.

Cosmos DB ranks records, and returns the best of them even if none fits. So every result is checked here: it has at
least half of the words that say something, or its embedding is similar enough.
"""

from collections.abc import Sequence

from common.domain.query_results import Match, RecordSummary

from image_api.domain.search import ImageLabel, ImageMatch, MatchKind
from image_api.domain.words import split_words, word_key, word_keys

# The share of the words that an image has to have. A search for "red car" finds a car that no label calls red.
MIN_WORD_SHARE = 0.5
# Labels that are named as reasons.
_MAX_LABELS = 3


def labels_of(record: RecordSummary) -> tuple[ImageLabel, ...]:
    """Return the labels of a record with their confidences, in the record's order."""
    confidences = {tag.name: tag.confidence for tag in record.tags or ()}
    return tuple(ImageLabel(name=name, confidence=confidences.get(name)) for name in record.labels)


def label_matches(record: RecordSummary, names: Sequence[str]) -> tuple[ImageMatch, ...]:
    """Return the reasons for which a record has the labels of a filter."""
    return tuple(
        ImageMatch(kind=MatchKind.LABEL, text=label.name, score=label.confidence)
        for label in labels_of(record)
        if label.name in names
    )


def word_matches(record: RecordSummary, words: Sequence[str]) -> tuple[ImageMatch, ...]:
    """Return where the words of a search are in a record; nothing if it has fewer than half of them."""
    keys = frozenset(word_key(word) for word in words)
    labels = [label for label in labels_of(record) if word_keys(label.name) & keys]
    matches = [
        ImageMatch(kind=MatchKind.LABEL, text=label.name, score=label.confidence) for label in labels[:_MAX_LABELS]
    ]
    matched = frozenset[str]().union(*(word_keys(label.name) for label in labels)) & keys
    caption = record.caption
    if caption is not None and (caption_keys := word_keys(caption.text) & keys):
        matches.append(ImageMatch(kind=MatchKind.CAPTION, text=caption.text, score=caption.confidence))
        matched |= caption_keys
    # The record's text has the lines that were read in the image, besides its caption and labels.
    others = [word for word in split_words(record.text) if word_key(word) in keys - matched]
    if others:
        matches.append(ImageMatch(kind=MatchKind.TEXT, text=" ".join(others), score=None))
        matched |= frozenset(word_key(word) for word in others)
    return tuple(matches) if keys and len(matched) >= MIN_WORD_SHARE * len(keys) else ()


def search_matches(match: Match, words: Sequence[str], *, min_similarity: float) -> tuple[ImageMatch, ...]:
    """Return the reasons for which a result fits the search; nothing if it does not fit.

    Args:
        match: the result.
        words: the words of the search.
        min_similarity: the lowest similarity of an embedding that fits.
    """
    matches = word_matches(match.record, words)
    if match.similarity is not None and match.similarity >= min_similarity:
        matches += (meaning_match(match.similarity),)
    return matches


def meaning_match(similarity: float) -> ImageMatch:
    """Return the reason that an embedding is similar."""
    return ImageMatch(kind=MatchKind.MEANING, text=None, score=round(similarity, 3))
