"""The words of a search, and where they occur."""

import re

from common.domain.queries import MAX_TEXT_LENGTH, MAX_WORDS

# Words that say nothing about what is in an image; captions have them all the same.
_STOP_WORDS_TEXT = (
    "a an and are as at be by for from has have in into is it its of on or some that the their there this to was were"
    " with image images photo photos picture pictures"
)
_STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())
# The straight apostrophe, and the typographic one.
_APOSTROPHES = "'\u2019"
_WORD = re.compile(rf"[^\W_]+(?:[{_APOSTROPHES}][^\W_]+)*")


def split_words(text: str) -> tuple[str, ...]:
    """Return the words of a text as they are written, each once, up to the limit of a search."""
    return tuple(dict.fromkeys(match[0] for match in _WORD.finditer(text)))


def search_words(text: str) -> tuple[str, ...]:
    """Return the words of a search that say something, in lower case, each once, up to the limit of a query."""
    words = [word.lower() for word in split_words(text) if word.lower() not in _STOP_WORDS]
    return tuple(dict.fromkeys(word[:MAX_TEXT_LENGTH] for word in words))[:MAX_WORDS]


def word_key(word: str) -> str:
    """Return what the singular and the plural of an English word have in common.

    The rules of Harman's S-stemmer ("How effective is suffixing?", JASIS 42, 1991), and one for plurals such as
    "boxes": they change plurals and no other words, so that two words with the same key are the same word.
    """
    word = re.sub(f"[{_APOSTROPHES}]s$", "", word.lower())
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return f"{word[:-3]}y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("us", "ss")):
        return word[:-1]
    return word


def word_keys(text: str) -> frozenset[str]:
    """Return the keys of the words of a text."""
    return frozenset(word_key(word) for word in split_words(text))
