"""The statistics of full text, from the index: a ranked search asks every partition for them first.

The query is the one of `hybrid_plan`; what it counts is what an evaluation of it over all items would.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.items.indexing import ELEMENT, Path
from emulator.services.cosmos.items.item_indexes import ensure_index
from emulator.services.cosmos.items.term_index import TermIndex, word_term
from emulator.services.cosmos.query.paths import constant_value, item_aliases, property_path
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.runtime.full_text import DEFAULT_LANGUAGE, Words, words_of

# The index of items has all columns that are needed.
_LIVE = "container = ? AND partition = ? AND (expires IS NULL OR expires > ?)"
_LENGTHS = (
    "SELECT COUNT(*), COALESCE(SUM(words), 0) FROM items INDEXED BY items_by_partition"  # noqa: S608 (constants)
    f" LEFT JOIN text_lengths ON term_index = ? AND item = number WHERE {_LIVE}"
)
_HITS = (
    "SELECT COUNT(*) FROM postings CROSS JOIN items INDEXED BY items_by_partition ON number = item"  # noqa: S608
    f" WHERE term_index = ? AND term = ? AND {_LIVE}"
)


@dataclass(frozen=True, kw_only=True)
class TextStatistics:
    """The texts at a path, and the words whose items are counted; a word of None is in no text."""

    index: TermIndex
    words: tuple[str | None, ...]


def find_statistics(
    query: tree.Query, parameters: Mapping[str, Any], languages: Mapping[Path, str]
) -> tuple[TextStatistics, ...] | None:
    """What a query for statistics counts; None for other queries, and for phrases, which no index has."""
    aliases = item_aliases(query)
    if query.where is not None or query.group_by or query.select.distinct or len(aliases) != 1:
        return None
    match query.select.projection:
        case tree.SelectList(
            (
                tree.SelectItem(tree.FunctionCall("COUNT", (tree.Constant(1),)), "documentCount"),
                tree.SelectItem(tree.ArrayCreation(elements), "fullTextStatistics"),
            )
        ):
            statistics = [_statistics_of(element, aliases, parameters, languages) for element in elements]
        case _:
            return None
    known = tuple(texts for texts in statistics if texts is not None)
    return known if len(known) == len(statistics) else None


def read_statistics(
    database: sqlite3.Connection,
    container: int,
    partition: int,
    statistics: Sequence[TextStatistics],
    now: float,
) -> dict[str, Any]:
    """The result of the query in a physical partition. Makes the indexes that do not exist."""
    live = (container, partition, now)
    documents = 0
    texts_statistics: list[dict[str, Any]] = []
    for texts in statistics:
        index = ensure_index(database, container, texts.index)
        documents, words = database.execute(_LENGTHS, (index, *live)).fetchone()
        hits = [
            0 if word is None else database.execute(_HITS, (index, word_term(word), *live)).fetchone()[0]
            for word in texts.words
        ]
        texts_statistics.append({"totalWordCount": words, "hitCounts": hits})
    return {"documentCount": documents, "fullTextStatistics": texts_statistics}


def _statistics_of(
    element: tree.Expression, aliases: Mapping[str, Path], parameters: Mapping[str, Any], languages: Mapping[Path, str]
) -> TextStatistics | None:
    match element:
        case tree.ObjectCreation(
            (
                ("totalWordCount", tree.FunctionCall("SUM", (tree.FunctionCall("_FullTextWordCount", (text,)),))),
                ("hitCounts", tree.ArrayCreation(counts)),
            )
        ):
            path = property_path(text, aliases)
        case _:
            return None
    if not path or ELEMENT in path:
        return None
    language = languages.get(path, DEFAULT_LANGUAGE)
    words: list[str | None] = []
    for count in counts:
        phrase = _phrase_of(count, path, aliases, parameters, language)
        if phrase is None or len(phrase) > 1:
            return None
        words.append(phrase[0] if phrase else None)
    return TextStatistics(index=TermIndex(path=path, language=language), words=tuple(words))


def _phrase_of(
    count: tree.Expression,
    path: Path,
    aliases: Mapping[str, Path],
    parameters: Mapping[str, Any],
    language: str,
) -> Words | None:
    """The words in `COUNTIF(FullTextContains(path, words))`; None for another expression."""
    match count:
        case tree.FunctionCall("COUNTIF", (tree.FunctionCall("FullTextContains", (text, term)),)):
            value = constant_value(term, parameters)
        case _:
            return None
    if value is None or not isinstance(value[0], str) or property_path(text, aliases) != path:
        return None
    return words_of(value[0], language)
