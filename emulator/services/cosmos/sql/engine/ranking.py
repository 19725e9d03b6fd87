"""ORDER BY RANK: rows by the scores of a search, or by the fusion of several.

https://learn.microsoft.com/cosmos-db/query/order-by-rank, https://learn.microsoft.com/cosmos-db/query/rrf. Clients run
such queries by a plan of several queries; this is what they come to on one partition. Ranks and constants are those of
the SDK's plan: `azure/cosmos/_execution_context/hybrid_search_aggregator.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.expressions import ExpressionCompiler
from emulator.services.cosmos.sql.engine.from_items import Rows
from emulator.services.cosmos.sql.functions.search import language_of, vector_similarity
from emulator.services.cosmos.sql.runtime.full_text import Words, occurrences, phrase_of, score, words_of
from emulator.services.cosmos.sql.runtime.options import Options
from emulator.services.cosmos.sql.runtime.scope import Compiled, Evaluate, Row, Scope
from emulator.services.cosmos.sql.values import JSON, UNDEFINED, Value, is_number

_RANK_CONSTANT = 60
_NO_SCORE = float("-inf")

type Prepare = Callable[[list[Any], Row], Evaluate]
"""A closure that computes scores, given all items of the partition, whose statistics they depend on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One scoring function, and its weight in the fusion."""

    prepare: Prepare
    weight: float


class RankCompiler:
    """Compiles the scoring functions of ORDER BY RANK. `item_slot` is the slot of FROM."""

    def __init__(self, compiler: ExpressionCompiler, options: Options) -> None:
        self._compiler = compiler
        self._options = options

    def components(self, call: tree.FunctionCall, scope: Scope, item_slot: int) -> list[Component]:
        """The components of RRF, or the only one."""
        if call.name.upper() != "RRF":
            return [Component(prepare=self._prepare(call, scope, item_slot), weight=1.0)]
        calls = [argument for argument in call.arguments if isinstance(argument, tree.FunctionCall)]
        weights = [1.0] * len(calls)
        if len(calls) < len(call.arguments):
            values = self._compiler.compile(call.arguments[-1], scope).evaluate([])
            assert isinstance(values, list)
            weights = [float(value) for value in values if is_number(value)]
        prepared = [self._prepare(argument, scope, item_slot) for argument in calls]
        return [Component(prepare=prepare, weight=weight) for prepare, weight in zip(prepared, weights, strict=True)]

    def _prepare(self, call: tree.FunctionCall, scope: Scope, item_slot: int) -> Prepare:
        arguments = self._compiler.compile_all(call.arguments, scope)
        if call.name.upper() == "VECTORDISTANCE":
            evaluate = vector_similarity(call.arguments, arguments, self._options)
            return lambda _items, _row: evaluate
        return self._prepare_text(call, arguments, item_slot)

    def _prepare_text(self, call: tree.FunctionCall, arguments: Sequence[Compiled], item_slot: int) -> Prepare:
        """The BM25 scores of FULLTEXTSCORE(path, terms…); the terms may also be one array."""
        language = language_of(call.arguments[0], self._options)
        read_text = arguments[0].evaluate

        def prepare(items: list[Any], row: Row) -> Evaluate:
            terms: list[Value] = []
            for argument in arguments[1:]:
                value = argument.evaluate(row)
                terms.extend(value if isinstance(value, list) else [value])
            phrases = [phrase_of(term, language) for term in terms]
            texts: list[Words] = []
            for item in items:
                row[item_slot] = item
                text = read_text(row)
                if isinstance(text, str):
                    texts.append(words_of(text, language))
            total_words = sum(map(len, texts))
            hits = [sum(occurrences(words, phrase) > 0 for words in texts) for phrase in phrases]

            def evaluate(current: Row) -> Value:
                text = read_text(current)
                if not isinstance(text, str):
                    return UNDEFINED
                words = words_of(text, language)
                return score(words, phrases, documents=len(items), total_words=total_words, hits=hits)

            return evaluate

        return prepare


class _Ranker:
    """Collects rows with their scores, and returns the results, best first."""

    def __init__(self, components: Sequence[Component], items: list[Any], row: Row) -> None:
        self._weights = [component.weight for component in components]
        self._scores = [component.prepare(items, row) for component in components]
        self._rows: list[tuple[list[float], JSON]] = []

    def add(self, row: Row, project: Callable[[Row], Value]) -> None:
        """Include a row. A row without any score is no result."""
        values = [evaluate(row) for evaluate in self._scores]
        scores = [value if is_number(value) else _NO_SCORE for value in values]
        if all(value == _NO_SCORE for value in scores):
            return
        result = project(row)
        if result is not UNDEFINED:
            self._rows.append((scores, result))

    def results(self) -> Iterator[JSON]:
        """The results, best first."""
        fused = [0.0] * len(self._rows)
        for component, weight in enumerate(self._weights):
            scores = [scores[component] for scores, _result in self._rows]
            for position, rank in enumerate(_ranks(scores, descending=weight >= 0)):
                fused[position] += weight / (_RANK_CONSTANT + rank)
        order = sorted(range(len(fused)), key=lambda position: -fused[position])
        for position in order:
            yield self._rows[position][1]


def ranked_results(
    rows: Rows, components: Sequence[Component], project: Evaluate, items_slot: int
) -> Callable[[Row], Iterator[JSON]]:
    """The results of rows, best first. All items are read for their statistics, also those that WHERE excludes."""

    def results(row: Row) -> Iterator[JSON]:
        items = list(row[items_slot])
        row[items_slot] = items
        ranker = _Ranker(components, items, row)
        for _ in rows(row):
            ranker.add(row, project)
        yield from ranker.results()

    return results


def _ranks(scores: Sequence[float], *, descending: bool) -> list[int]:
    """The rank of each score, from 1; equal scores have the same."""
    distinct = sorted(set(scores), reverse=descending)
    rank_of = {value: rank for rank, value in enumerate(distinct, start=1)}
    return [rank_of[value] for value in scores]
