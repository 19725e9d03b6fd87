"""Generated parts of documents: the lines between `<!-- generated: NAME -->` and `<!-- end -->`."""

import difflib
import re
from collections.abc import Callable, Mapping

# The function that generates a part, by the part's name.
Generators = Mapping[str, Callable[[], str]]

_BEGIN = re.compile(r"<!-- generated: (?P<name>[a-z-]+) -->")
_END = "<!-- end -->"


class DocumentError(Exception):
    """The markers of a document are wrong; the message names the line."""


def block_names(text: str) -> list[str]:
    """Return the names of a document's generated parts, in their order."""
    return [match["name"] for line in text.splitlines() if (match := _BEGIN.fullmatch(line))]


def update_text(text: str, generators: Generators) -> str:
    """Return a document with each generated part as its function generates it.

    Raises:
        DocumentError: A part has no function, begins within another part, or does not end.
    """
    lines: list[str] = []
    open_block: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        match = _BEGIN.fullmatch(line)
        if match is not None:
            if open_block is not None:
                raise DocumentError(f"line {number}: a part begins within the part {open_block}")
            name = match["name"]
            if name not in generators:
                raise DocumentError(f"line {number}: no function generates the part {name}")
            open_block = name
            lines += [line, "", *generators[name]().splitlines(), ""]
        elif line == _END:
            if open_block is None:
                raise DocumentError(f"line {number}: no part ends here")
            open_block = None
            lines.append(line)
        elif open_block is None:
            lines.append(line)
    if open_block is not None:
        raise DocumentError(f"the part {open_block} does not end")
    return "".join(f"{line}\n" for line in lines)


def describe_difference(name: str, current: str, generated: str) -> str:
    """Return the lines by which a document differs from its generated form; empty if it does not."""
    difference = difflib.unified_diff(
        current.splitlines(), generated.splitlines(), fromfile=name, tofile=f"{name} (generated)", lineterm="", n=0
    )
    return "\n".join(difference)
