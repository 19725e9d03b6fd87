"""Functions of full-text and vector search, which depend on the container's policies."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.runtime.full_text import (
    DEFAULT_LANGUAGE,
    Words,
    occurrences,
    phrase_of,
    score,
    words_of,
)
from emulator.services.cosmos.sql.runtime.options import DistanceFunction, Options
from emulator.services.cosmos.sql.runtime.paths import split_path
from emulator.services.cosmos.sql.runtime.scope import Compiled, Evaluate, Row, folded
from emulator.services.cosmos.sql.runtime.vectors import distance, distance_function, is_ascending
from emulator.services.cosmos.sql.values import UNDEFINED, Value, is_number

type CompileSearch = Callable[[Sequence[tree.Expression], Sequence[Compiled], Options], Compiled]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFunction:
    """A function that is compiled with its arguments' syntax trees and the container's policies."""

    compile: CompileSearch
    minimum: int
    maximum: int | None


def language_of(expression: tree.Expression, options: Options) -> str:
    """The language of a path's texts."""
    path = split_path(expression)
    return DEFAULT_LANGUAGE if path is None else options.languages.get(path[1], DEFAULT_LANGUAGE)


def metric_of(nodes: Sequence[tree.Expression], options_value: Value, options: Options) -> DistanceFunction:
    """The distance function of a call: that of its options, of the policy for one of the vectors, or `cosine`."""
    paths = [path[1] for path in map(split_path, nodes[:2]) if path is not None]
    default: DistanceFunction = "cosine"
    for path in paths:
        default = options.distance_functions.get(path, default)
    return distance_function(options_value, default)


def call_metric(nodes: Sequence[tree.Expression], arguments: Sequence[Compiled], options: Options) -> DistanceFunction:
    """The distance function of a call, whose options must be constants."""
    value = arguments[3].evaluate([]) if len(arguments) > 3 and arguments[3].constant else UNDEFINED
    return metric_of(nodes, value, options)


def _terms_test(accept: Callable[[Sequence[bool]], bool]) -> CompileSearch:
    """FULLTEXTCONTAINS and its like: a function of which of the terms a text has."""

    def compile_call(nodes: Sequence[tree.Expression], arguments: Sequence[Compiled], options: Options) -> Compiled:
        language = language_of(nodes[0], options)
        read_text = arguments[0].evaluate
        terms = arguments[1:]
        constant_phrases: list[Words] | None = None
        if all(term.constant for term in terms):
            constant_phrases = [phrase_of(term.evaluate([]), language) for term in terms]

        def evaluate(row: Row) -> Value:
            text = read_text(row)
            if not isinstance(text, str):
                return UNDEFINED
            phrases = constant_phrases or [phrase_of(term.evaluate(row), language) for term in terms]
            words = words_of(text, language)
            return accept([occurrences(words, phrase) > 0 for phrase in phrases])

        return Compiled(evaluate)

    return compile_call


def _word_count(nodes: Sequence[tree.Expression], arguments: Sequence[Compiled], options: Options) -> Compiled:
    """`_FullTextWordCount(path)`, of the statistics query in Azure's plans."""
    language = language_of(nodes[0], options)
    read_text = arguments[0].evaluate
    return Compiled(lambda row: len(words_of(text, language)) if isinstance(text := read_text(row), str) else UNDEFINED)


def _score(nodes: Sequence[tree.Expression], arguments: Sequence[Compiled], options: Options) -> Compiled:
    """`_FullTextScore(path, terms, documents, words, hits)`, of the component queries in Azure's plans."""
    language = language_of(nodes[0], options)
    read_text, read_terms, read_documents, read_total, read_hits = (argument.evaluate for argument in arguments)

    def evaluate(row: Row) -> Value:
        text = read_text(row)
        terms = read_terms(row)
        documents = read_documents(row)
        total = read_total(row)
        hits = read_hits(row)
        if not isinstance(text, str) or not is_number(documents) or not is_number(total):
            return UNDEFINED
        if not isinstance(terms, list) or not isinstance(hits, list) or len(hits) != len(terms):
            return UNDEFINED
        phrases = [phrase_of(term, language) for term in terms]
        counts = [count for count in hits if is_number(count)]
        if len(counts) != len(hits):
            return UNDEFINED
        return score(words_of(text, language), phrases, documents=documents, total_words=total, hits=counts)

    return Compiled(evaluate)


def _distance(nodes: Sequence[tree.Expression], arguments: Sequence[Compiled], options: Options) -> Compiled:
    measure = distance(call_metric(nodes, arguments, options))
    left = arguments[0].evaluate
    right = arguments[1].evaluate
    return folded(arguments[:2], lambda row: measure(left(row), right(row)))


def _vector_score(nodes: Sequence[tree.Expression], arguments: Sequence[Compiled], options: Options) -> Compiled:
    """`_VectorScore(path, vector, …)`, of the component queries in Azure's plans: more similar vectors have more."""
    evaluate = vector_similarity(nodes, arguments, options)
    return folded(arguments[:2], evaluate)


def vector_similarity(nodes: Sequence[tree.Expression], arguments: Sequence[Compiled], options: Options) -> Evaluate:
    """The distance of a VECTORDISTANCE call, negative if small distances are those of similar vectors."""
    read = _distance(nodes, arguments, options).evaluate
    if not is_ascending(call_metric(nodes, arguments, options)):
        return read

    def evaluate(row: Row) -> Value:
        value = read(row)
        return -value if is_number(value) else UNDEFINED

    return evaluate


SEARCH_FUNCTIONS = {
    "FULLTEXTCONTAINS": SearchFunction(compile=_terms_test(all), minimum=2, maximum=2),
    "FULLTEXTCONTAINSALL": SearchFunction(compile=_terms_test(all), minimum=2, maximum=None),
    "FULLTEXTCONTAINSANY": SearchFunction(compile=_terms_test(any), minimum=2, maximum=None),
    "FULLTEXT_CONTAINS": SearchFunction(compile=_terms_test(all), minimum=2, maximum=2),
    "FULLTEXT_CONTAINS_ALL": SearchFunction(compile=_terms_test(all), minimum=2, maximum=None),
    "FULLTEXT_CONTAINS_ANY": SearchFunction(compile=_terms_test(any), minimum=2, maximum=None),
    "VECTORDISTANCE": SearchFunction(compile=_distance, minimum=2, maximum=4),
    "_FULLTEXTSCORE": SearchFunction(compile=_score, minimum=5, maximum=5),
    "_FULLTEXTWORDCOUNT": SearchFunction(compile=_word_count, minimum=1, maximum=1),
    "_VECTORSCORE": SearchFunction(compile=_vector_score, minimum=2, maximum=4),
}
