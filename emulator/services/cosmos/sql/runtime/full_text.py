"""Full-text search: words of texts, and their BM25 scores.

https://learn.microsoft.com/cosmos-db/gen-ai/full-text-search says that Azure splits texts into words, removes stop
words, takes stems and scores with BM25, without more details. The emulator's choices: words are letters and digits in
lower case; stems are those of Snowball; the words of a term follow each other; BM25 has the usual constants.

Stop words are Lucene's for English, and none for other languages. Which ones Azure has is not known; the results that
the SDK's tests expect of Azure show that `states` is none of them: `FullTextContains(c.text, 'United States')` is false
for a text with `United Kingdom`. azure-cosmos 4.17.1, tests/test_query_hybrid_search.py.
"""

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import snowballstemmer

from emulator.services.cosmos.sql.errors import InvalidQueryError, UnsupportedQueryError
from emulator.services.cosmos.sql.values import Value

type Words = tuple[str, ...]

DEFAULT_LANGUAGE = "en-US"
_ALGORITHMS = {
    "en": "english",
    "de": "german",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "pt": "portuguese",
}
_STOP_WORDS = {"en": frozenset((Path(__file__).parent / "stop_words_en.txt").read_text().split())}
_WORD = re.compile(r"[^\W_]+")
_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75


@lru_cache(maxsize=8)
def _stemmer(language: str) -> Any:
    algorithm = _ALGORITHMS.get(language)
    if algorithm is None:
        raise UnsupportedQueryError(f"The emulator's full-text search does not support the language '{language}'.")
    return snowballstemmer.stemmer(algorithm)


@lru_cache(maxsize=20_000)
def _stem(word: str, language: str) -> str:
    return _stemmer(language).stemWord(word)


@lru_cache(maxsize=4_096)
def words_of(text: str, language: str = DEFAULT_LANGUAGE) -> Words:
    """The stems of a text's words, without stop words, in the text's order."""
    base = language.partition("-")[0].lower()
    stop_words = _STOP_WORDS.get(base, frozenset())
    return tuple(_stem(word, base) for word in _WORD.findall(text.lower()) if word not in stop_words)


def occurrences(words: Words, phrase: Words) -> int:
    """How often a phrase is in a text; the words of a phrase follow each other."""
    if not phrase:
        return 0
    if len(phrase) == 1:
        return words.count(phrase[0])
    length = len(phrase)
    return sum(words[start : start + length] == phrase for start in range(len(words) - length + 1))


def phrase_of(term: Value, language: str) -> Words:
    """The words of a search term. Raises UnsupportedQueryError for a fuzzy term, which is an object."""
    if isinstance(term, str):
        return words_of(term, language)
    if isinstance(term, dict):
        raise UnsupportedQueryError("The emulator's full-text search does not support fuzzy search.")
    raise InvalidQueryError("", "The terms of a full-text search must be strings.")


def score(
    words: Words, phrases: Sequence[Words], *, documents: float, total_words: float, hits: Sequence[float]
) -> float:
    """The BM25 score of a text.

    Args:
        words: the text's.
        phrases: what is searched.
        documents: how many items there are.
        total_words: how many words all their texts have together.
        hits: how many items have each phrase.
    """
    average = total_words / documents if documents and total_words else 1.0
    length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * len(words) / average
    result = 0.0
    for phrase, hit_count in zip(phrases, hits, strict=True):
        frequency = occurrences(words, phrase)
        rarity = math.log(1 + max(documents - hit_count + 0.5, 0) / (hit_count + 0.5))
        result += rarity * frequency * (_SATURATION + 1) / (frequency + _SATURATION * length)
    return result
