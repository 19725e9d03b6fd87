"""Mutation operators of cosmic-ray's interface for what its own do not change.

cosmic-ray changes no texts, arguments, elements of collections or statements, of which a declarative program mainly
consists.
"""

import re
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


def _text(*nodes: Any) -> str:
    """Return the source text of adjacent nodes, without the space before the first."""
    if not nodes:
        return ""
    return nodes[0].get_code(include_prefix=False) + "".join(node.get_code() for node in nodes[1:])


def _of(node: Any, text: str) -> Replacement:
    return Replacement(node.start_pos, node.end_pos, text)


def _is_call(node: Any) -> bool:
    return node.type == "atom_expr" and node.children[-1].get_code().lstrip().startswith("(")


class RemoveStatement(ReplacementOperator):
    """Replaces a call, a raise, or an assignment to an attribute or item by `pass`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.parent is None or node.parent.type != "simple_stmt" or node.parent.children[0] is not node:
            return
        if node.type == "expr_stmt":
            is_augmented = node.children[1].type == "operator" and node.children[1].value != "="
            is_removable = is_augmented or node.children[0].type == "atom_expr"
        else:
            is_raise = node.type == "raise_stmt" or _text(node) == "raise"
            is_removable = is_raise or node.type == "yield_expr" or _is_call(node)
        if is_removable:
            yield _of(node, "pass")


class ReplaceReturnWithNone(ReplacementOperator):
    """Replaces `return x` by `return None`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "return_stmt" and _text(*node.children[1:]) != "None":
            yield _of(node, "return None")


def _without(nodes: list[Any], index: int) -> str:
    """Return the text of nodes that are separated by commas or operators, without one of them and its separator."""
    if index + 1 < len(nodes):
        return _text(*nodes[:index], *nodes[index + 2 :])
    return _text(*nodes[: max(index - 1, 0)])


class RemoveKeywordArgument(ReplacementOperator):
    """Removes a keyword argument of a call."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "arglist":
            for index, argument in enumerate(node.children):
                if _is_keyword_argument(argument):
                    yield Replacement(argument.start_pos, argument.end_pos, _without(node.children, index))
        elif _is_keyword_argument(node) and node.parent.type != "arglist":
            yield _of(node, "")


def _is_keyword_argument(node: Any) -> bool:
    return node.type == "argument" and node.children[1].get_code().strip() == "="


class RemoveElement(ReplacementOperator):
    """Removes an element of a list, tuple, set or dictionary."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type != "atom" or len(node.children) != 3:
            return
        opening, content, closing = node.children
        if opening.value == "(" and content.type != "testlist_comp":
            return
        parts = content.children if content.type in {"testlist_comp", "dictorsetmaker"} else [content]
        elements = _elements(parts)
        is_set = opening.value == "{" and not any(part.get_code().strip() in {":", "**"} for part in parts)
        for element in elements:
            start, end = parts[element.start].start_pos, parts[element.stop - 1].end_pos
            rest = _code_without(parts, element)
            if len(elements) == 1 and is_set:
                yield Replacement(start, end, "set()")
            elif len(elements) == 2 and opening.value == "(":
                yield Replacement(start, end, f"({rest.rstrip().rstrip(',')},{closing.get_code()}")
            else:
                yield Replacement(start, end, f"{opening.value}{rest}{closing.get_code()}")


def _elements(parts: list[Any]) -> list[range]:
    """Return where in the parts of a collection each element is; nothing for a comprehension."""
    if any(part.type in {"comp_for", "sync_comp_for", "yield_expr"} for part in parts):
        return []
    commas = [index for index, part in enumerate(parts) if part.type == "operator" and part.value == ","]
    starts = [0, *(comma + 1 for comma in commas)]
    ends = [*commas, len(parts)]
    return [range(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _code_without(parts: list[Any], element: range) -> str:
    """Return the source text of a collection's parts without an element and its comma."""
    if element.stop < len(parts):
        rest = parts[: element.start] + parts[element.stop + 1 :]
    else:
        rest = parts[: max(element.start - 1, 0)]
    return "".join(part.get_code() for part in rest)


class ReplaceString(ReplacementOperator):
    """Puts `XX` at the beginning of a text."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type not in {"string", "fstring"}:
            return
        if node.parent.type == "strings" and node.parent.children[0] is not node:
            return
        text = _text(node)
        match = re.match(r"""[a-zA-Z]*(\"\"\"|'''|"|')""", text)
        if match:
            yield _of(node, f"{match.group()}XX{text[match.end() :]}")


class RemoveOperand(ReplacementOperator):
    """Removes an operand of `and` or `or`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type in {"and_test", "or_test"}:
            for index in range(0, len(node.children), 2):
                operand = node.children[index]
                yield Replacement(operand.start_pos, operand.end_pos, _without(node.children, index))


class ReplaceMembership(ReplacementOperator):
    """Exchanges `in` and `not in`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "comp_op" and _text(node).split() == ["not", "in"]:
            yield _of(node, "in")
        elif node.type == "keyword" and node.value == "in" and node.parent.type == "comparison":
            yield _of(node, "not in")


class RemoveSlice(ReplacementOperator):
    """Removes a slice, as in `text[:300]`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "trailer" and node.children[0].value == "[":
            content = node.children[1]
            if content.type == "subscript" or _text(content) == ":":
                yield _of(node, "")


_FUNCTIONS = {
    "all": "any",
    "any": "all",
    "ceil": "floor",
    "endswith": "startswith",
    "floor": "ceil",
    "fullmatch": "match",
    "max": "min",
    "min": "max",
    "sorted": "list",
    "startswith": "endswith",
}


class ReplaceFunction(ReplacementOperator):
    """Calls another function of the same kind, such as `max` in place of `min`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "name" and node.value in _FUNCTIONS:
            following = node.get_next_leaf()
            if following is not None and following.value == "(":
                yield _of(node, _FUNCTIONS[node.value])


_TEXT_METHODS = {"casefold", "lower", "lstrip", "removeprefix", "removesuffix", "rstrip", "strip", "upper"}


class RemoveTextMethod(ReplacementOperator):
    """Removes a call such as `.lower()`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type != "atom_expr":
            return
        for index in range(1, len(node.children) - 1):
            attribute, call = node.children[index : index + 2]
            is_method = attribute.type == "trailer" and attribute.children[-1].get_code().strip() in _TEXT_METHODS
            if is_method and call.type == "trailer" and call.children[0].value == "(":
                rest = node.children[:index] + node.children[index + 2 :]
                yield Replacement(attribute.start_pos, call.end_pos, _text(*rest))
