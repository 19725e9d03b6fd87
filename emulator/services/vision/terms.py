"""The terms of a text: nouns of several words first, then single words, with their plurals and without stop words."""

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

COLORS = ("black", "white", "gray", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown")
_MOST_WORDS = 4
_STOP_WORDS = frozenset(
    {
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "has",
        "have",
        "in",
        "into",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "over",
        "some",
        "than",
        "that",
        "the",
        "their",
        "this",
        "to",
        "under",
        "was",
        "were",
        "which",
        "who",
        "with",
        "without",
    }
)
# WordNet's package has no list of irregular plurals; these are those of things that photos show.
_IRREGULAR = {
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "grey": "gray",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "mice": "mouse",
    "people": "person",
    "shelves": "shelf",
    "teeth": "tooth",
    "wolves": "wolf",
}
# The suffixes by which WordNet's own Morphy finds the singular: https://wordnet.princeton.edu/documentation/morphy7wn
_SUFFIXES = (
    ("s", ""),
    ("ses", "s"),
    ("xes", "x"),
    ("zes", "z"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("men", "man"),
    ("ies", "y"),
)


@dataclass(frozen=True, kw_only=True)
class Term:
    """A noun or word of a text, in the singular where a noun was found."""

    text: str
    is_noun: bool


def find_terms(text: str, nouns: Container[str]) -> list[Term]:
    """Return the terms of a text, in its order.

    Args:
        text: Any text.
        nouns: The known nouns, in lower case, their words separated by spaces.
    """
    words = re.findall(r"\w+", text.lower())
    terms: list[Term] = []
    position = 0
    while position < len(words):
        term, length = _next_term(words[position : position + _MOST_WORDS], nouns)
        if term is not None:
            terms.append(term)
        position += length
    return terms


def _next_term(words: list[str], nouns: Container[str]) -> tuple[Term | None, int]:
    """The longest noun that begins with the first word, and its length in words; None for a stop word."""
    for length in range(len(words), 1, -1):
        for candidate in _singulars(" ".join(words[:length])):
            if candidate in nouns:
                return Term(text=candidate, is_noun=True), length
    if words[0] in _STOP_WORDS:
        return None, 1
    for candidate in _singulars(words[0]):
        if candidate in nouns:
            return Term(text=candidate, is_noun=True), 1
    return Term(text=_IRREGULAR.get(words[0], words[0]), is_noun=False), 1


def _singulars(noun: str) -> Iterator[str]:
    """The noun itself and what it may be the plural of, the most likely first."""
    if noun in _IRREGULAR:
        yield _IRREGULAR[noun]
    yield noun
    for suffix, replacement in _SUFFIXES:
        if noun.endswith(suffix):
            yield noun.removesuffix(suffix) + replacement
