"""Findings that a language model has written: names in its order, without confidences."""

from collections.abc import Sequence

from common.domain.findings import Tag

# The category of an image that none of the configured ones fits.
OTHER = "other"
MOST_TAGS = 10


def create_tags(names: Sequence[str]) -> tuple[Tag, ...]:
    """Return the tags in the order of the model, each name once. A schema cannot limit their number."""
    unique = dict.fromkeys(name.strip() for name in names)
    unique.pop("", None)
    return tuple(Tag(name=name, confidence=None) for name in [*unique][:MOST_TAGS])


def check_category(category: str, categories: Sequence[str]) -> str:
    """Return the category. Raises ValueError if it is none of those in the request."""
    if category not in categories:
        raise ValueError(f"the category {category!r} is none of those in the request")
    return category
