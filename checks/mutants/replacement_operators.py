"""Mutation operators of cosmic-ray's interface for what its own do not change.

cosmic-ray changes no texts, arguments, elements of collections or statements, of which a declarative program mainly
consists.
"""

import re
from collections.abc import Iterator
from typing import Any, override

from checks.mutants.replacement import Replacement, ReplacementOperator, code, replace_node


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
            is_raise = node.type == "raise_stmt" or code(node) == "raise"
            is_removable = is_raise or node.type == "yield_expr" or _is_call(node)
        if is_removable:
            yield replace_node(node, "pass")


class ReplaceReturnWithNone(ReplacementOperator):
    """Replaces `return x` by `return None`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "return_stmt" and code(*node.children[1:]) != "None":
            yield replace_node(node, "return None")


def _without(nodes: list[Any], index: int) -> str:
    """Return the text of nodes that are separated by commas or operators, without one of them and its separator."""
    if index + 1 < len(nodes):
        return code(*nodes[:index], *nodes[index + 2 :])
    return code(*nodes[: max(index - 1, 0)])


class RemoveKeywordArgument(ReplacementOperator):
    """Removes a keyword argument of a call."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "arglist":
            for index, argument in enumerate(node.children):
                if _is_keyword_argument(argument):
                    yield Replacement(argument.start_pos, argument.end_pos, _without(node.children, index))
        elif _is_keyword_argument(node) and node.parent.type != "arglist":
            yield replace_node(node, "")


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
        nodes = content.children if content.type in {"testlist_comp", "dictorsetmaker"} else [content]
        elements = _elements(nodes)
        is_set = opening.value == "{" and not any(child.get_code().strip() in {":", "**"} for child in nodes)
        for element in elements:
            start = nodes[element.start].start_pos
            end = nodes[element.stop - 1].end_pos
            rest = _code_without(nodes, element)
            if len(elements) == 1 and is_set:
                yield Replacement(start, end, "set()")
            elif len(elements) == 2 and opening.value == "(":
                yield Replacement(start, end, f"({rest.rstrip().rstrip(',')},{closing.get_code()}")
            else:
                yield Replacement(start, end, f"{opening.value}{rest}{closing.get_code()}")


def _elements(nodes: list[Any]) -> list[range]:
    """Return where in the nodes of a collection each element is; nothing for a comprehension."""
    if any(child.type in {"comp_for", "sync_comp_for", "yield_expr"} for child in nodes):
        return []
    commas = [index for index, child in enumerate(nodes) if child.type == "operator" and child.value == ","]
    starts = [0, *(comma + 1 for comma in commas)]
    ends = [*commas, len(nodes)]
    return [range(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _code_without(nodes: list[Any], element: range) -> str:
    """Return the source text of a collection's nodes without an element and its comma."""
    if element.stop < len(nodes):
        rest = nodes[: element.start] + nodes[element.stop + 1 :]
    else:
        rest = nodes[: max(element.start - 1, 0)]
    return "".join(child.get_code() for child in rest)


class ReplaceString(ReplacementOperator):
    """Puts `XX` at the beginning of a text."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type not in {"string", "fstring"}:
            return
        if node.parent.type == "strings" and node.parent.children[0] is not node:
            return
        text = code(node)
        match = re.match(r"""[a-zA-Z]*(\"\"\"|'''|"|')""", text)
        if match:
            yield replace_node(node, f"{match.group()}XX{text[match.end() :]}")


class RemoveOperand(ReplacementOperator):
    """Removes an operand of `and` or `or`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type in {"and_test", "or_test"}:
            for index in range(0, len(node.children), 2):
                operand = node.children[index]
                yield Replacement(operand.start_pos, operand.end_pos, _without(node.children, index))


class ReplaceException(ReplacementOperator):
    """Catches another exception, in a clause that catches one; cosmic-ray's operator fails for a dotted name."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        clause = node.parent
        is_caught = clause is not None and clause.type == "except_clause" and clause.children[1] is node
        if is_caught and node.type in {"name", "atom_expr"}:
            yield replace_node(node, "ZeroDivisionError")


class ReplaceMembership(ReplacementOperator):
    """Exchanges `in` and `not in`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "comp_op" and code(node).split() == ["not", "in"]:
            yield replace_node(node, "in")
        elif node.type == "keyword" and node.value == "in" and node.parent.type == "comparison":
            yield replace_node(node, "not in")


class RemoveSlice(ReplacementOperator):
    """Removes a slice, as in `text[:300]`."""

    @override
    def replacements(self, node: Any) -> Iterator[Replacement]:
        if node.type == "trailer" and node.children[0].value == "[":
            content = node.children[1]
            if content.type == "subscript" or code(content) == ":":
                yield replace_node(node, "")


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
                yield replace_node(node, _FUNCTIONS[node.value])


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
                yield Replacement(attribute.start_pos, call.end_pos, code(*rest))
