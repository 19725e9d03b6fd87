"""The deployed resources, in SQLite."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A deployed resource, with inputs and outputs as azure-native has them."""

    id: str
    type: str
    inputs: Properties
    outputs: Properties

    @property
    def name(self) -> str:
        """The last part of the id."""
        return self.id.rsplit("/", 1)[1]


class ResourceStore:
    """All deployed resources by ARM id. Ids and names are compared case-insensitively, as in Azure."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS resources(key TEXT PRIMARY KEY, body TEXT NOT NULL)")
        self._by_key: dict[str, Resource] = {}
        for (body,) in self._database.execute("SELECT body FROM resources ORDER BY rowid"):
            resource = Resource(**json.loads(body))
            self._by_key[resource.id.lower()] = resource

    def __iter__(self) -> Iterator[Resource]:
        return iter([*self._by_key.values()])

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def get(self, resource_id: str) -> Resource | None:
        """The resource with this id, or None."""
        return self._by_key.get(resource_id.lower())

    def of_type(self, type_name: str) -> list[Resource]:
        """The resources of an azure-native type such as `storage:Queue`."""
        return [resource for resource in self._by_key.values() if resource.type == f"azure-native:{type_name}"]

    def find_by_name(self, type_name: str, name: str) -> Resource | None:
        """The resource with this type and name, or None."""
        return next((resource for resource in self.of_type(type_name) if resource.name.lower() == name.lower()), None)

    def descendants(self, resource_id: str) -> list[Resource]:
        """The resources below a resource, the deepest first."""
        prefix = resource_id.lower() + "/"
        resources = [resource for key, resource in self._by_key.items() if key.startswith(prefix)]
        return sorted(resources, key=lambda resource: resource.id.count("/"), reverse=True)

    def put(self, resource: Resource) -> None:
        """Store a new or changed resource."""
        body = json.dumps(
            {"id": resource.id, "type": resource.type, "inputs": resource.inputs, "outputs": resource.outputs}
        )
        self._database.execute(
            "INSERT INTO resources(key, body) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET body = excluded.body",
            (resource.id.lower(), body),
        )
        self._by_key[resource.id.lower()] = resource

    def remove(self, resource_id: str) -> None:
        """Remove a resource. Do nothing if it does not exist."""
        self._database.execute("DELETE FROM resources WHERE key = ?", (resource_id.lower(),))
        self._by_key.pop(resource_id.lower(), None)
