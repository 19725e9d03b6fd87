"""The described targets of the Makefile, with the variables that each of them reads."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from checks.docs.markdown import code, table

_GROUP = re.compile(r"##@ (?P<title>.+)")
_TARGET = re.compile(r"(?P<name>[a-z-]+):(?!=)(?P<prerequisites>[^#=]*)(## (?P<description>.+))?")
_DEFAULT = re.compile(r"(?P<name>[A-Z_]+) \?= (?P<value>.+)")
_VARIABLE = re.compile(r"(?P<name>[a-z]+) = (?P<value>.+)")
_REFERENCE = re.compile(r"\$\((?:call )?(?:if )?(?:\$\()?(?P<name>[A-Za-z_]+)")
# Read by make itself, or set by it.
_OF_MAKE = {"CURDIR", "MAKE", "MAKEFILE_LIST", "PATH"}


@dataclass(kw_only=True)
class Target:
    """A target with a description.

    Attributes:
        name: What follows `make`.
        group: Heading under which `make help` prints it.
        description: What `make help` prints.
        variables: Variables that a user may set, in the order of their use.
    """

    name: str
    group: str
    description: str
    variables: list[str] = field(default_factory=list)


def read_defaults(makefile: str) -> dict[str, str]:
    """Return the variables that a user may set and that have a default, with the default."""
    return {match["name"]: match["value"] for line in makefile.splitlines() if (match := _DEFAULT.fullmatch(line))}


def read_targets(makefile: str) -> list[Target]:
    """Return the described targets in their order."""
    macros = _read_macros(makefile)
    targets: list[Target] = []
    recipes: dict[str, list[str]] = {}
    group = ""
    current = ""
    for line in makefile.splitlines():
        if match := _GROUP.fullmatch(line):
            group = match["title"]
        elif line.startswith("\t"):
            recipes.setdefault(current, []).append(line)
        elif match := _TARGET.fullmatch(line):
            current = match["name"]
            if match["description"]:
                targets.append(Target(name=current, group=group, description=match["description"]))
    for target in targets:
        text = "\n".join(recipes.get(target.name, ()))
        target.variables = list(dict.fromkeys(_user_variables(text, macros)))
    return targets


def _read_macros(makefile: str) -> dict[str, str]:
    """Return the Makefile's own variables; of one with several values, all of them together."""
    macros: dict[str, str] = {}
    for line in makefile.splitlines():
        if match := _VARIABLE.fullmatch(line):
            macros[match["name"]] = f"{macros.get(match['name'], '')} {match['value']}"
    return macros


def _user_variables(text: str, macros: Mapping[str, str]) -> Iterator[str]:
    for match in _REFERENCE.finditer(text):
        name = match["name"]
        if name in macros:
            yield from _user_variables(macros[name], macros)
        elif name.isupper() and name not in _OF_MAKE:
            yield name


def commands_table(makefile: str, group: str) -> str:
    """Return the described targets of one group of `make help` as a table."""
    rows = [
        (code(f"make {target.name}"), target.description, ", ".join(map(code, target.variables)))
        for target in read_targets(makefile)
        if target.group == group
    ]
    return table(("command", "what it does", "variables"), rows)
