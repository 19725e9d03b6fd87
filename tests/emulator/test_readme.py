"""The emulator's README: its support matrix has exactly the resource types of the table, and its paths exist."""

import re
from pathlib import Path

import pytest

from schemas.azure_native.resource_types import RESOURCE_TYPES
from schemas.azuread.resource_types import AZUREAD_TYPES

EMULATOR = Path(__file__).resolve().parents[2] / "emulator"
README = (EMULATOR / "README.md").read_text()


def test_the_support_matrix_has_every_resource_type_once_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+:\w+)` \|", README, re.MULTILINE)
    # Without the path of azuread's type tokens.
    directory_types = [f"azuread:{type_.rpartition(':')[2]}" for type_ in AZUREAD_TYPES]
    assert rows == sorted([*(type_.removeprefix("azure-native:") for type_ in RESOURCE_TYPES), *directory_types])


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`([a-z_]+(?:/[\w.]+)*\.(?:py|json)|[a-z_]+/)`", README))))
def test_every_path_exists(path: str) -> None:
    if path == "run/faults.json":  # in the state directory
        return
    assert (EMULATOR / path).exists() or (EMULATOR.parent / path).exists()
