"""The sections of `__main__.py`, and which components each of them creates."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HEADING = re.compile(r"^# --- (?P<title>.+)$")
# The method that creates roles of Cosmos DB's own role system, inside a component that another section has created.
_DATA_ROLE_METHOD = "assign_data_role"
_OUTPUTS_FUNCTION = "export_stack_outputs"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the program that begins with a comment `# --- Title`.

    Attributes:
        title: The text of the comment.
        names: The logical names that the section states.
        patterns: Regular expressions of the logical names that it computes.
        has_data_roles: Whether it creates roles of Cosmos DB's own role system.
        has_outputs: Whether it exports the stack outputs.
    """

    title: str
    names: tuple[str, ...]
    patterns: tuple[str, ...]
    has_data_roles: bool
    has_outputs: bool


def creating_section(sections: Sequence[Section], logical_name: str) -> Section | None:
    """Return the section that creates a component or resource of the stack, or None.

    A name that a section states comes first, then a name that it computes. Last comes the longest stated name that this
    one begins with: a function may create a second resource, named after the first.
    """
    for section in sections:
        if logical_name in section.names:
            return section
    for section in sections:
        if any(re.fullmatch(pattern, logical_name) for pattern in section.patterns):
            return section
    candidates = [
        (len(name), section) for section in sections for name in section.names if logical_name.startswith(f"{name}-")
    ]
    if not candidates:
        return None
    return max(candidates, key=lambda candidate: candidate[0])[1]


def read_sections(source: str, helpers: str = "") -> list[Section]:
    """Return the sections of a program that creates its components by calls such as `infra.Component("name", …)`.

    Args:
        source: The program.
        helpers: A module of `infra` with functions that create what the settings choose, and state its name themselves.
    """
    stated_by_function = _names_by_function(helpers)
    lines = source.splitlines()
    headings = [
        (number, match["title"]) for number, line in enumerate(lines, start=1) if (match := _HEADING.match(line))
    ]
    ends = [number for number, _title in headings[1:]] + [len(lines) + 1]
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    sections: list[Section] = []
    for (begin, title), end in zip(headings, ends, strict=True):
        inside = [call for call in calls if begin < call.lineno < end]
        sections.append(
            Section(
                title=title,
                names=tuple(
                    name
                    for call in inside
                    for name in (*_stated_names(call), *stated_by_function.get(_method(call), ()))
                ),
                patterns=tuple(pattern for call in inside for pattern in _computed_names(call)),
                has_data_roles=any(_method(call) == _DATA_ROLE_METHOD for call in inside),
                has_outputs=any(_method(call) == _OUTPUTS_FUNCTION for call in inside),
            )
        )
    return sections


def _names_by_function(source: str) -> dict[str, tuple[str, ...]]:
    """Return the strings that each function passes first to the functions and classes that it calls."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {
        function.name: tuple(
            call.args[0].value
            for call in ast.walk(function)
            if isinstance(call, ast.Call)
            and call.args
            and isinstance(call.args[0], ast.Constant)
            and isinstance(call.args[0].value, str)
        )
        for function in functions
    }


def _method(call: ast.Call) -> str:
    """Return the name of the called method or of the called function of a module."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_infra(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "infra"
        and len(call.args) > 0
    )


def _stated_names(call: ast.Call) -> Iterator[str]:
    """Return the first argument of a call of `infra`, if it is a string."""
    if _is_infra(call):
        match call.args[0]:
            case ast.Constant(value=str(name)):
                yield name
            case _:
                return


def _computed_names(call: ast.Call) -> Iterator[str]:
    """Return the first argument of a call of `infra` as a regular expression, if it is a formatted string."""
    if _is_infra(call):
        match call.args[0]:
            case ast.JoinedStr(values=values):
                yield "".join(re.escape(str(item.value)) if isinstance(item, ast.Constant) else ".+" for item in values)
            case _:
                return
