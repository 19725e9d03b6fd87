"""Every registered resource of every stack, in both network modes, equals its recording in tests/infra/golden/.

A recording has, for each resource, everything that the program hands to the engine: type and logical name, inputs,
parent, dependencies and options; and the outputs of the stack. A change of the program shows there as a diff that a
reviewer can read. To record again:

    UPDATE_GOLDEN=1 .venv/bin/python -m pytest tests/infra/test_golden.py
"""

import difflib
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import RecordedResource, run_program
from tests.infra.test_settings import CONTENT_UNDERSTANDING, FOUNDRY, SHADOW

FOLDER = Path(__file__).parent / "golden"
STACKS = ("local", "dev", "staging", "prod")
NETWORK_MODES = ("public", "private")
# What legitimately differs between two runs of the same program: the package's hash and the path made of it, the
# month in which the budget starts. The pickled class of a dynamic provider is left out as a whole.
PACKAGE_SHA256 = re.compile(r"[0-9a-f]{64}")
PACKAGE_PATH = re.compile(r".*/functions-([a-z]+)-[0-9a-f]{16}\.zip")
FIRST_OF_A_MONTH = re.compile(r"\d{4}-\d{2}-01T00:00:00Z")
DEPLOYER = "99999999-8888-4777-8666-55555555dddd"
PICKLED_PROVIDER = "__provider"


# The workbook is JSON in a string; decoded, its diff has a line for each property.
WORKBOOK = "serializedData"


def normalized(value: Any) -> Any:
    """The value without what differs between two runs of the same program."""
    if isinstance(value, dict):
        return {
            key: json.loads(item) if key == WORKBOOK else normalized(item)
            for key, item in value.items()
            if key != PICKLED_PROVIDER
        }
    if isinstance(value, list):
        return [normalized(item) for item in value]
    if isinstance(value, str):
        if PACKAGE_SHA256.fullmatch(value):
            return "<sha256>"
        if match := PACKAGE_PATH.fullmatch(value):
            return f"<package of {match[1]}>"
        if FIRST_OF_A_MONTH.fullmatch(value):
            return "<month>"
    return value


def options(resource: RecordedResource) -> dict[str, Any]:
    """The resource options that differ from Pulumi's defaults."""
    values = {
        "additionalSecretOutputs": sorted(resource.additional_secret_outputs),
        "aliases": list(resource.aliases),
        "deleteBeforeReplace": resource.delete_before_replace,
        "errorHooks": list(resource.error_hooks),
        "ignoreChanges": list(resource.ignore_changes),
        "protect": resource.protect,
        "replaceOnChanges": list(resource.replace_on_changes),
    }
    return {name: value for name, value in values.items() if value}


def recording(stack: str, config: dict[str, Any]) -> str:
    """The program as the stack with this configuration: JSON with sorted keys, one to a line."""
    recorder = run_program(stack, config)
    resources = {
        f"{resource.type}::{resource.name}": {
            "parent": resource.parent,
            "dependencies": sorted(resource.dependencies),
            "propertyDependencies": {
                name: sorted(origins)
                for name, origins in resource.property_dependencies.items()
                if origins and name != PICKLED_PROVIDER
            },
            "options": options(resource),
            "inputs": normalized(resource.inputs),
        }
        for resource in recorder.resources
    }
    content = {"resources": resources, "outputs": normalized(recorder.outputs)}
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("mode", NETWORK_MODES)
@pytest.mark.parametrize("stack", STACKS)
def test_the_program_equals_its_recording(stack: str, mode: str) -> None:
    compare(FOLDER / f"{stack}-{mode}.json", recording(stack, {"networkAccess": mode}))


def test_the_program_with_a_vision_model_equals_its_recording() -> None:
    """In a folder of its own: the documents describe the stacks of stacks/."""
    path = FOLDER / "analyzers/dev-private-foundry-vision.json"
    compare(path, recording("dev", FOUNDRY | {"networkAccess": "private"}))


def test_the_program_with_content_understanding_equals_its_recording() -> None:
    path = FOLDER / "analyzers/dev-private-content-understanding.json"
    deployer = {"objectId": DEPLOYER, "principalType": "ServicePrincipal"}
    compare(path, recording("dev", CONTENT_UNDERSTANDING | {"networkAccess": "private", "deployer": deployer}))


def test_the_program_with_a_shadow_equals_its_recording() -> None:
    path = FOLDER / "analyzers/dev-private-shadow.json"
    compare(path, recording("dev", SHADOW | {"networkAccess": "private"}))


def compare(path: Path, actual: str) -> None:
    """Fail with the difference if the recording in a file is another one; write it if UPDATE_GOLDEN is set."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(actual)
    expected = path.read_text()
    difference = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), fromfile=path.name, tofile="program", lineterm="", n=2
    )
    if actual != expected:
        pytest.fail("\n".join(difference), pytrace=False)
