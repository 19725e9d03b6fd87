"""The mutants of a module, and the sample of them that is tested."""

import ast
import difflib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code

from checks.mutants.exclusions import Exclusions
from checks.mutants.operators import operators
from checks.mutants.project import Module
from checks.mutants.replacement import Position

_OPERATORS = operators()


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A place where an operator may change a module.

    Attributes:
        operator: name of the operator.
        index: number of the place among all where the operator may change the module.
        start: where the change begins.
        end: where it ends.
        text: the line of the source on which it begins, without the spaces around it.
        occurrence: number of the place among those of the same operator on lines of the same text.
    """

    operator: str
    index: int
    start: Position
    end: Position
    text: str
    occurrence: int


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A module with one change.

    Attributes:
        module: the module.
        candidate: the place and the operator.
        source: the text of the whole changed module.
        diff: the change as a unified diff.
        lines: the lines of the statement that was changed, without the body of a compound statement.
    """

    module: Module
    candidate: Candidate
    source: str
    diff: str
    lines: range

    @property
    def location(self) -> str:
        """Path and line."""
        return f"{self.module.path}:{self.candidate.start[0]}"


class ModuleSource:
    """The source text of a module and its mutants.

    Args:
        module: the module.
        text: its source text.
    """

    def __init__(self, module: Module, text: str) -> None:
        self.module = module
        self._text = text
        self._tree = ast.parse(text)

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Every place that may be changed, in the order of the operators and of the places."""
        exclusions = Exclusions(self._text)
        lines = self._text.splitlines()
        occurrences: Counter[tuple[str, str]] = Counter()
        candidates: list[Candidate] = []
        for operator, index, start, end in _positions(self._text):
            if exclusions.contain(start, end):
                continue
            text = lines[start[0] - 1].strip()
            candidates.append(
                Candidate(
                    operator=operator,
                    index=index,
                    start=start,
                    end=end,
                    text=text,
                    occurrence=occurrences[operator, text],
                )
            )
            occurrences[operator, text] += 1
        return candidates

    def sample(self, size: int, seed: int) -> list[Mutant]:
        """Return up to `size` mutants, drawn with `seed` and sorted by line.

        A candidate whose change is no valid Python, or none at all, makes no mutant; another is drawn in its place.
        """
        order = list(self.candidates)
        random.Random(f"{seed} {self.module.path}").shuffle(order)  # noqa: S311 - a sample, no secret
        mutants: list[Mutant] = []
        for candidate in order:
            if len(mutants) == size:
                break
            mutant = self._mutate(candidate)
            if mutant is not None:
                mutants.append(mutant)
        return sorted(mutants, key=lambda mutant: (mutant.candidate.start, mutant.candidate.operator))

    def control(self) -> Mutant:
        """Return the module as it is, in the form of a mutant that no test should notice."""
        (candidate, *_) = self.candidates
        lines = self._statement_lines(candidate.start[0])
        return Mutant(module=self.module, candidate=candidate, source=self._text, diff="", lines=lines)

    def _mutate(self, candidate: Candidate) -> Mutant | None:
        source = mutate_code(self._text, _OPERATORS[candidate.operator], candidate.index)
        if source is None:
            return None
        try:
            compile(source, self.module.path, "exec", dont_inherit=True)
        except SyntaxError:
            return None
        if ast.dump(ast.parse(source)) == ast.dump(self._tree):
            return None
        diff = difflib.unified_diff(
            self._text.splitlines(),
            source.splitlines(),
            fromfile=self.module.path,
            tofile=self.module.path,
            lineterm="",
            n=0,
        )
        return Mutant(
            module=self.module,
            candidate=candidate,
            source=source,
            diff="\n".join(diff),
            lines=self._statement_lines(candidate.start[0]),
        )

    def _statement_lines(self, line: int) -> range:
        """Return the lines of the innermost statement at a line."""
        lines = range(line, line + 1)
        for node in ast.walk(self._tree):
            # `ast.walk` yields outer statements before inner ones.
            if isinstance(node, ast.stmt | ast.ExceptHandler | ast.match_case):
                own = _own_lines(node)
                if line in own:
                    lines = own
        return lines


def _own_lines(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> range:
    """Return the lines of a statement, with its decorators and without the statements in it."""
    if isinstance(node, ast.match_case):
        return range(node.pattern.lineno, node.body[0].lineno)
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    body: list[ast.stmt] = getattr(node, "body", [])
    start = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    if body:
        return range(start, max(body[0].lineno, node.lineno + 1))
    assert node.end_lineno is not None
    return range(start, node.end_lineno + 1)


def _positions(text: str) -> Iterator[tuple[str, int, Position, Position]]:
    """Yield operator, index, start and end of every place where an operator may change a source text."""
    nodes = list(ast_nodes(parso.parse(text)))
    for name, operator in _OPERATORS.items():
        index = 0
        for node in nodes:
            for start, end in operator.mutation_positions(node):
                if not (name.startswith("ReplaceBinaryOperator") and _is_marker(node)):
                    yield name, index, start, end
                index += 1


def _is_marker(node: Any) -> bool:
    """Whether an operator is no arithmetic: `*` and `/` among parameters, `**` in a dictionary."""
    return node.parent.type in {"dictorsetmaker", "lambdef", "parameters"}
