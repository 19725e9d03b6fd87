"""Differences that a refresh reports although nothing has drifted: checks/drift/allowed.yaml."""

import fnmatch
from dataclasses import dataclass
from pathlib import Path

import msgspec

from checks.drift.comparison import Difference

_FILE = Path(__file__).with_name("allowed.yaml")


class AllowedDifference(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A property that may differ.

    Attributes:
        type: The resource type, with `*` for any characters.
        property: The path of the property, with `*` for any characters.
        issue: Where the cause is described, such as pulumi/pulumi-azure-native#1700.
        reason: Why the difference is no drift.
    """

    type: str
    property: str
    issue: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Return whether this entry allows a difference."""
        # `[0]` is a character class to fnmatch.
        path = difference.property.replace("[", "<").replace("]", ">")
        pattern = self.property.replace("[", "<").replace("]", ">")
        return fnmatch.fnmatchcase(difference.type, self.type) and fnmatch.fnmatchcase(path, pattern)


@dataclass(frozen=True, kw_only=True)
class DriftResult:
    """Differences, divided by whether they are allowed."""

    drift: list[Difference]
    allowed: list[tuple[Difference, AllowedDifference]]


def load_allow_list(file: Path = _FILE) -> list[AllowedDifference]:
    """Return the entries of the allow-list.

    Raises:
        msgspec.ValidationError: An entry lacks a field or has an unknown one.
    """
    return msgspec.yaml.decode(file.read_bytes(), type=list[AllowedDifference])


def apply_allow_list(differences: list[Difference], entries: list[AllowedDifference]) -> DriftResult:
    """Divide differences into drift and what an entry allows."""
    drift: list[Difference] = []
    allowed: list[tuple[Difference, AllowedDifference]] = []
    for difference in differences:
        covering = [entry for entry in entries if entry.covers(difference)]
        if covering:
            allowed.append((difference, covering[0]))
        else:
            drift.append(difference)
    return DriftResult(drift=drift, allowed=allowed)
