"""Which items may match a filter, by the values and words that it requires.

Of the conditions that Azure's index answers, those that require a value: equality, `IN`, ARRAY_CONTAINS, words. What is
candidates may be more than what matches, never less.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.services.cosmos.items.indexing import ELEMENT, Path
from emulator.services.cosmos.items.term_index import TermIndex, value_term, word_term
from emulator.services.cosmos.query.paths import add_joins, conjuncts, constant_value, property_path
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.engine.checks import has_aggregate
from emulator.services.cosmos.sql.engine.from_items import alias_of
from emulator.services.cosmos.sql.runtime.full_text import DEFAULT_LANGUAGE, words_of

# A filter with more alternatives than this is answered by a scan: SQLite limits the size of its statements.
_MAXIMUM_TERMS = 1_000
_MAXIMUM_OPERANDS = 100


@dataclass(frozen=True, kw_only=True)
class HasTerm:
    """The items with one of some terms in an index."""

    index: TermIndex
    terms: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class AllOf:
    """The items that each of the operands has."""

    operands: "tuple[Candidates, ...]"


@dataclass(frozen=True, kw_only=True)
class AnyOf:
    """The items that one of the operands has."""

    operands: "tuple[Candidates, ...]"


type Candidates = HasTerm | AllOf | AnyOf


def find_candidates(
    conditions: Sequence[tree.Expression],
    *,
    alias: str,
    parameters: Mapping[str, Any],
    languages: Mapping[Path, str],
) -> Candidates | None:
    """The items for which all the conditions may hold, or None if they may hold for any item.

    Args:
        conditions: The conditions that an index answers.
        alias: The name of an item in them.
        parameters: The parameters of the query.
        languages: The language of each path with full text.
    """
    finder = _Finder(parameters, languages)
    candidates = finder.all_of(conditions, {alias: ()})
    if candidates is None:
        return None
    counts = [len(leaf.terms) for leaf in _leaves(candidates)]
    return None if len(counts) > _MAXIMUM_OPERANDS or sum(counts) > _MAXIMUM_TERMS else candidates


class _Finder:
    def __init__(self, parameters: Mapping[str, Any], languages: Mapping[Path, str]) -> None:
        self._parameters = parameters
        self._languages = languages

    def all_of(self, conditions: Sequence[tree.Expression], aliases: Mapping[str, Path]) -> Candidates | None:
        """The items for which all conditions may hold. One that no index helps with is left out."""
        return _all_of(self._find(condition, aliases) for condition in conditions)

    def _find(self, condition: tree.Expression, aliases: Mapping[str, Path]) -> Candidates | None:
        match condition:
            case tree.Logical("AND", operands):
                return self.all_of(operands, aliases)
            case tree.Logical("OR", operands):
                return _any_of(self._find(operand, aliases) for operand in operands)
            case tree.Binary("=", left, right):
                return self._equal(left, (right,), aliases) or self._equal(right, (left,), aliases)
            case tree.In(operand, choices, False):
                return self._equal(operand, choices, aliases)
            case tree.FunctionCall(name, arguments) if len(arguments) > 1:
                return self._call(name.lower(), arguments, aliases)
            # An aggregate has a result without any row.
            case tree.Subquery("EXISTS", query) if isinstance(query, tree.Query) and not has_aggregate(query):
                return self.all_of(tuple(conjuncts(query.where)), _with_iterators(query, aliases))
            case _:
                return None

    def _equal(
        self, operand: tree.Expression, choices: Sequence[tree.Expression], aliases: Mapping[str, Path]
    ) -> Candidates | None:
        path = _strict_path(operand, aliases, self._parameters)
        return None if path is None else self._has_value(path, choices)

    def _has_value(self, path: Path, choices: Sequence[tree.Expression]) -> Candidates | None:
        terms: set[int] = set()
        for choice in choices:
            value = constant_value(choice, self._parameters)
            term = None if value is None else value_term(value[0])
            if term is None:
                return None
            terms.add(term)
        return HasTerm(index=TermIndex(path=path), terms=frozenset(terms))

    def _call(
        self, name: str, arguments: tuple[tree.Expression, ...], aliases: Mapping[str, Path]
    ) -> Candidates | None:
        path = _strict_path(arguments[0], aliases, self._parameters)
        if path is None:
            return None
        values = arguments[1:]
        elements = (*path, ELEMENT)
        match name:
            case "array_contains":
                return self._has_value(elements, values[:1])
            case "array_contains_any":
                return self._has_value(elements, values)
            case "array_contains_all":
                return _all_of(self._has_value(elements, (value,)) for value in values)
            case "fulltextcontains" | "fulltextcontainsall":
                return _all_of(self._has_words(path, value) for value in values)
            case "fulltextcontainsany":
                return _any_of(self._has_words(path, value) for value in values)
            case _:
                return None

    def _has_words(self, path: Path, phrase: tree.Expression) -> Candidates | None:
        value = constant_value(phrase, self._parameters)
        if value is None or not isinstance(value[0], str):
            return None
        language = self._languages.get(path, DEFAULT_LANGUAGE)
        index = TermIndex(path=path, language=language)
        words = words_of(value[0], language)
        return _all_of(HasTerm(index=index, terms=frozenset({word_term(word)})) for word in words)


def _all_of(candidates: Iterable[Candidates | None]) -> Candidates | None:
    """The items of all operands; an operand that may be any item is left out."""
    operands = tuple(operand for operand in candidates if operand is not None)
    if len(operands) < 2:
        return operands[0] if operands else None
    return AllOf(operands=operands)


def _any_of(candidates: Iterable[Candidates | None]) -> Candidates | None:
    """The items of any operand; None if one of the operands may be any item."""
    operands: list[Candidates] = []
    for operand in candidates:
        if operand is None:
            return None
        operands.append(operand)
    return AnyOf(operands=tuple(operands))


def _with_iterators(query: tree.Query, aliases: Mapping[str, Path]) -> dict[str, Path]:
    """The paths of names in a subquery. A name that stands for something else hides the one outside."""
    inner = dict(aliases)
    for from_item in query.from_items:
        name = alias_of(from_item)
        if name is not None:
            inner.pop(name, None)
        if isinstance(from_item, tree.FromArray):
            add_joins(tree.Query(select=query.select, from_items=(from_item,)), inner)
    return inner


def _strict_path(
    expression: tree.Expression, aliases: Mapping[str, Path], parameters: Mapping[str, Any]
) -> Path | None:
    """The path of a property; None if an index in it may be a name, as in `c.a[@name]`."""
    step: object = expression
    while isinstance(step, (tree.Property, tree.Element)):
        if isinstance(step, tree.Element):
            index = constant_value(step.index, parameters)
            if index is None or isinstance(index[0], str):
                return None
        step = step.parent
    return property_path(expression, aliases) or None


def _leaves(candidates: Candidates) -> Iterator[HasTerm]:
    if isinstance(candidates, HasTerm):
        yield candidates
        return
    for operand in candidates.operands:
        yield from _leaves(operand)
