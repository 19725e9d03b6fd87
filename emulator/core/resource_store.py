"""The laptop's Azure Resource Manager: which resources exist, kept in SQLite so that they outlive the daemon."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Properties = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A deployed resource: what was asked for (`inputs`) and what came of it (`outputs`), as azure-native has them."""

    id: str
    type: str
    inputs: Properties
    outputs: Properties

    @property
    def name(self) -> str:
        """The last part of the id."""
        return self.id.rsplit("/", 1)[1]


class Resources:
    """All deployed resources, by ARM id, which Azure compares without regard to case."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS resources(key TEXT PRIMARY KEY, body TEXT NOT NULL)")
        self._by_key: dict[str, Resource] = {}
        for (body,) in self._database.execute("SELECT body FROM resources ORDER BY rowid"):
            resource = Resource(**json.loads(body))
            self._by_key[resource.id.lower()] = resource
        self._watchers: list[Callable[[], None]] = []

    def __iter__(self) -> Iterator[Resource]:
        return iter([*self._by_key.values()])

    def watch(self, changed: Callable[[], None]) -> None:
        """`changed` is called after every change."""
        self._watchers.append(changed)

    def close(self) -> None:
        """Closes the database; the object is of no more use."""
        self._database.close()

    def get(self, resource_id: str) -> Resource | None:
        """The resource with this id, or None."""
        return self._by_key.get(resource_id.lower())

    def of_type(self, kind: str) -> list[Resource]:
        """The resources of an azure-native type such as `storage:Queue`."""
        return [resource for resource in self._by_key.values() if resource.type == f"azure-native:{kind}"]

    def named(self, kind: str, name: str) -> Resource | None:
        """The resource of this type whose name, compared without regard to case, is `name`."""
        return next((found for found in self.of_type(kind) if found.name.lower() == name.lower()), None)

    def below(self, resource_id: str) -> list[Resource]:
        """What lies below a resource, the deepest first."""
        prefix = resource_id.lower() + "/"
        found = [resource for key, resource in self._by_key.items() if key.startswith(prefix)]
        return sorted(found, key=lambda resource: resource.id.count("/"), reverse=True)

    def put(self, resource: Resource) -> None:
        """Stores a resource, new or changed."""
        body = json.dumps(
            {"id": resource.id, "type": resource.type, "inputs": resource.inputs, "outputs": resource.outputs}
        )
        self._database.execute(
            "INSERT INTO resources(key, body) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET body = excluded.body",
            (resource.id.lower(), body),
        )
        self._by_key[resource.id.lower()] = resource
        self._changed()

    def remove(self, resource_id: str) -> None:
        """Forgets a resource; one that is not there is none the less gone."""
        self._database.execute("DELETE FROM resources WHERE key = ?", (resource_id.lower(),))
        self._by_key.pop(resource_id.lower(), None)
        self._changed()

    def _changed(self) -> None:
        for watcher in self._watchers:
            watcher()
