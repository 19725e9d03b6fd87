"""Base class of mutation operators that replace a node of parso's tree by a source text."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol, override

from parso.python.tree import Name

# (line, column), as parso counts them: lines from 1, columns from 0, in characters.
type Position = tuple[int, int]


class Replacement(NamedTuple):
    """The source text that replaces a node, and the position of what it changes."""

    start: Position
    end: Position
    text: str


class MutationOperator(Protocol):
    """The part of cosmic-ray's interface of operators that is used; cosmic-ray has no types."""

    def mutation_positions(self, node: Any) -> Iterable[tuple[Position, Position]]:
        """Return the start and end of each change of a node that the operator can make."""
        ...

    def mutate(self, node: Any, index: int) -> Any:
        """Return the node after the change of this number; None removes it."""
        ...


class ReplacementOperator(MutationOperator):
    """Replaces a node of parso's tree by other source texts."""

    @abstractmethod
    def replacements(self, node: Any) -> Iterator[Replacement]:
        """Yield what may replace a node."""

    @override
    def mutation_positions(self, node: Any) -> Iterator[tuple[Position, Position]]:
        for replacement in self.replacements(node):
            yield replacement.start, replacement.end

    @override
    def mutate(self, node: Any, index: int) -> Name:
        text = list(self.replacements(node))[index].text
        return Name(text, node.start_pos, prefix=node.get_first_leaf().prefix)


def code(*nodes: Any) -> str:
    """Return the source text of adjacent nodes, without the space before the first."""
    if not nodes:
        return ""
    return nodes[0].get_code(include_prefix=False) + "".join(node.get_code() for node in nodes[1:])


def replace_node(node: Any, text: str) -> Replacement:
    """Return the replacement of a whole node."""
    return Replacement(node.start_pos, node.end_pos, text)
