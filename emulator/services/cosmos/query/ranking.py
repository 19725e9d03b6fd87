"""What a query ranks by, if an index of the emulator says which items can be among the first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.core.container_policies import ContainerDefinition, path_segments
from emulator.services.cosmos.items.indexing import Path
from emulator.services.cosmos.items.term_index import TermIndex
from emulator.services.cosmos.items.vector_index import VectorIndex
from emulator.services.cosmos.query.candidates import AnyOf, Candidates, find_candidates
from emulator.services.cosmos.query.order import computed_order
from emulator.services.cosmos.query.paths import constant_value, property_path, root_alias
from emulator.services.cosmos.query.row_limits import RowLimits
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.runtime.full_text import DEFAULT_LANGUAGE, words_of

_NUMBERS = {int, float}


@dataclass(frozen=True, kw_only=True)
class VectorRanking:
    """The `limit` items whose vectors are the most similar to `vector`, by their cosine."""

    index: VectorIndex
    vector: Sequence[float]
    limit: int


@dataclass(frozen=True, kw_only=True)
class TextRanking:
    """The `limit` items with the highest scores.

    Attributes:
        index: The words of the texts.
        matches: The items with one of the words: all others have the score 0.
        limit: How many items are needed.
    """

    index: TermIndex
    matches: Candidates
    limit: int


type Ranking = VectorRanking | TextRanking


def find_ranking(
    query: tree.Query,
    limits: RowLimits,
    parameters: Mapping[str, Any],
    definition: ContainerDefinition,
    languages: Mapping[Path, str],
) -> Ranking | None:
    """What a query ranks by, the best first; None for a query that has to read all items.

    Args:
        query: A query that is ranked by an index of the container, with a limit.
        limits: Its limits.
        parameters: Its parameters.
        definition: The container's policies.
        languages: The language of each path with full text.
    """
    order = computed_order(query)
    alias = root_alias(query)
    # Each item is one row, and each row is a result.
    is_plain = len(query.from_items) == 1 and not (query.group_by or query.select.distinct)
    has_results = isinstance(query.select.projection, tree.SelectList | tree.SelectAll)
    if order is None or alias is None or not limits.take or not is_plain or not has_results:
        return None
    call = order.expression
    assert isinstance(call, tree.FunctionCall)
    finder = _Finder(alias, limits.skip + limits.take, parameters)
    match call.name.lower(), order.direction, call.arguments:
        case ("vectordistance", None, (left, right)) | ("_vectorscore", "DESC", (left, right)):
            ranking = finder.vectors(left, right, definition)
            return ranking or finder.vectors(right, left, definition)
        case "_fulltextscore", "DESC", (text, tree.ArrayCreation(terms), *_):
            return finder.texts(text, terms, languages)
        case _:
            return None


class _Finder:
    def __init__(self, alias: str, limit: int, parameters: Mapping[str, Any]) -> None:
        self._alias = alias
        self._limit = limit
        self._parameters = parameters

    def vectors(
        self, vector: tree.Expression, constant: tree.Expression, definition: ContainerDefinition
    ) -> VectorRanking | None:
        """The ranking by a property's similarity to a constant; None if it is no cosine of a policy's path."""
        path = property_path(vector, {self._alias: ()})
        value = constant_value(constant, self._parameters)
        if path is None or value is None or not isinstance(value[0], list) or not set(map(type, value[0])) <= _NUMBERS:
            return None
        for embedding in definition.vector_embedding_policy.vector_embeddings:
            is_cosine = embedding.distance_function.lower() == "cosine"
            if path_segments(embedding.path) == path and is_cosine and embedding.dimensions == len(value[0]):
                index = VectorIndex(path=path, dimensions=embedding.dimensions)
                return VectorRanking(index=index, vector=value[0], limit=self._limit)
        return None

    def texts(
        self, text: tree.Expression, terms: Sequence[tree.Expression], languages: Mapping[Path, str]
    ) -> TextRanking | None:
        """The ranking by a property's score for terms; None if they are no constants."""
        path = property_path(text, {self._alias: ()})
        values = [constant_value(term, self._parameters) for term in terms]
        texts = [value[0] for value in values if value is not None and isinstance(value[0], str)]
        if path is None or len(texts) < len(terms):
            return None
        language = languages.get(path, DEFAULT_LANGUAGE)
        # No text has a term that is nothing but stop words.
        phrases = [tree.Constant(one) for one in texts if words_of(one, language)]
        matches: Candidates | None = AnyOf(operands=())
        if phrases:
            contains = tree.FunctionCall("FullTextContainsAny", (text, *phrases))
            matches = find_candidates((contains,), alias=self._alias, parameters=self._parameters, languages=languages)
        if matches is None:
            return None
        return TextRanking(index=TermIndex(path=path, language=language), matches=matches, limit=self._limit)
