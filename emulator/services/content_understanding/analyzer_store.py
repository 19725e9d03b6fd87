"""The defaults and analyzers of each account, which survive a restart of the emulator."""

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from emulator.core.resource_store import Resource, ResourceStore
from emulator.services.content_understanding.definitions import Definition

_ANALYZER = "emulator:ContentAnalyzer"
_DEFAULTS = "emulator:ContentUnderstandingDefaults"
# Seconds until an analyzer can be used.
_CREATION_SECONDS = 1.0


class AnalyzerStore:
    """Stores what accounts have, in a database. `clock` is the time in seconds since 1970."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._resources = ResourceStore(path)
        self._clock = clock

    def close(self) -> None:
        """Close the database."""
        self._resources.close()

    def defaults(self, account_id: str) -> Mapping[str, str]:
        """The name of the deployment of each model."""
        stored = self._resources.get(_defaults_id(account_id))
        return {} if stored is None else stored.inputs["modelDeployments"]

    def update_defaults(self, account_id: str, changes: Mapping[str, str | None]) -> Mapping[str, str]:
        """Change and return the deployments: a merge patch, in which null removes a model."""
        merged = {**self.defaults(account_id), **changes}
        deployments = {model: name for model, name in merged.items() if name is not None}
        self._put(_defaults_id(account_id), _DEFAULTS, {"modelDeployments": deployments}, {})
        return deployments

    def put_analyzer(self, account_id: str, analyzer_id: str, definition: dict[str, Any]) -> None:
        """Store an analyzer, which can be used a moment later."""
        outputs = {"createdAt": self._clock(), "operationId": str(uuid.uuid4())}
        self._put(_analyzer_id(account_id, analyzer_id), _ANALYZER, definition, outputs)

    def find_definition(self, account_id: str, analyzer_id: str) -> Definition | None:
        """The definition of an analyzer, or None."""
        stored = self._resources.get(_analyzer_id(account_id, analyzer_id))
        return None if stored is None else msgspec.convert(stored.inputs, Definition)

    def get(self, account_id: str, analyzer_id: str) -> dict[str, Any] | None:
        """An analyzer as the service describes it, or None."""
        stored = self._resources.get(_analyzer_id(account_id, analyzer_id))
        if stored is None:
            return None
        created = datetime.fromtimestamp(stored.outputs["createdAt"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            **stored.inputs,
            "analyzerId": analyzer_id,
            "status": "ready" if self._is_ready(stored) else "creating",
            "createdAt": created,
            "lastModifiedAt": created,
            "warnings": [],
        }

    def operation_id(self, account_id: str, analyzer_id: str) -> str | None:
        """The id of the operation that has created an analyzer; None without the analyzer."""
        stored = self._resources.get(_analyzer_id(account_id, analyzer_id))
        return None if stored is None else stored.outputs["operationId"]

    def delete_analyzer(self, account_id: str, analyzer_id: str) -> bool:
        """Delete an analyzer. Return False if there is none."""
        stored = self._resources.get(_analyzer_id(account_id, analyzer_id))
        if stored is None:
            return False
        self._resources.remove(stored.id)
        return True

    def drop_account(self, account_id: str) -> None:
        """Delete what a deleted account has had."""
        for stored in self._resources.descendants(account_id):
            self._resources.remove(stored.id)

    def _is_ready(self, stored: Resource) -> bool:
        return self._clock() >= stored.outputs["createdAt"] + _CREATION_SECONDS

    def _put(self, resource_id: str, type_: str, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        self._resources.put(Resource(id=resource_id, type=type_, inputs=inputs, outputs=outputs))


def _analyzer_id(account_id: str, analyzer_id: str) -> str:
    return f"{account_id}/analyzers/{analyzer_id}"


def _defaults_id(account_id: str) -> str:
    return f"{account_id}/defaults/default"
