"""The recorded programs in tests/infra/golden/: every resource of every stack, with a public and a private network."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_FOLDER = ROOT / "tests/infra/golden"
_PROVIDER = "azure-native:"
_PROVIDERS = (_PROVIDER, "azuread:")
STACK_TYPE = "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class RecordedResource:
    """One resource of a recording.

    Attributes:
        key: `<type token>::<logical name>`, by which resources refer to each other.
        inputs: Inputs as the program states them.
        parent: Key of the parent.
        dependencies: Keys of the resources that it depends on.
    """

    key: str
    inputs: Mapping[str, Any]
    parent: str
    dependencies: frozenset[str]

    @property
    def type(self) -> str:
        """The type token without the name of the azure-native provider, such as `storage:Queue`."""
        return self.key.partition("::")[0].removeprefix(_PROVIDER)

    @property
    def type_name(self) -> str:
        """The last part of the type token, such as `Queue`."""
        return self.type.rpartition(":")[2]

    @property
    def name(self) -> str:
        """The logical name."""
        return self.key.partition("::")[2]

    @property
    def is_azure(self) -> bool:
        """Whether a provider of Azure or of Microsoft Entra ID creates the resource."""
        return self.key.startswith(_PROVIDERS)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The program as a stack of stacks/ with one value of `networkAccess`.

    Attributes:
        stack: Name of the stack.
        network: `public` or `private`.
        resources: Resources by their keys.
        outputs: Names of the stack outputs.
    """

    stack: str
    network: str
    resources: Mapping[str, RecordedResource]
    outputs: tuple[str, ...] = ()

    def of_type(self, resource_type: str) -> list[RecordedResource]:
        """Return the resources of a type such as `storage:Queue`, by logical name."""
        return [resource for resource in self.resources.values() if resource.type == resource_type]


def read_recording(stack: str, network: str) -> Recording:
    """Return the recording of a stack with `networkAccess` public or private."""
    content = json.loads((_FOLDER / f"{stack}-{network}.json").read_text())
    resources = {
        key: RecordedResource(
            key=key,
            inputs=resource["inputs"],
            parent=resource["parent"],
            dependencies=frozenset(resource["dependencies"]),
        )
        for key, resource in content["resources"].items()
    }
    return Recording(stack=stack, network=network, resources=resources, outputs=tuple(content["outputs"]))


def read_recordings() -> list[Recording]:
    """Return all recordings, by stack and network."""
    names = sorted(path.stem for path in _FOLDER.glob("*.json"))
    pairs = [name.rsplit("-", 1) for name in names]
    return [read_recording(stack, network) for stack, network in pairs]
