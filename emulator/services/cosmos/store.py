"""The items of all containers, in one SQLite file. A write is durable before the client gets its response."""

import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.core.errors import ServiceError

Item = dict[str, Any]


class CosmosError(ServiceError):
    """An error with Cosmos DB's status, code and sub-status."""

    def __init__(self, status: int, code: str, message: str, *, sub_status: int = 0) -> None:
        super().__init__(status, code, message)
        self.sub_status = sub_status


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container: `key` is unique in the emulator, `default_ttl` in seconds (None: items never expire)."""

    key: str
    partition_path: tuple[str, ...]
    default_ttl: int | None

    def partition_of(self, item: Item) -> str:
        """The item's partition key value, as JSON in the form of the request header."""
        value: Any = item
        for name in self.partition_path:
            value = value.get(name) if isinstance(value, dict) else None
        return json.dumps([value])


@dataclass(frozen=True, kw_only=True)
class StoredItem:
    """The JSON text of an item, and its ETag."""

    body: str
    etag: str


class ItemStore:
    """All items. `now` returns the time in seconds since 1970."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS items(container TEXT, partition TEXT, id TEXT, body TEXT NOT NULL,"
            " etag TEXT NOT NULL, expires REAL, PRIMARY KEY(container, partition, id)) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def read(self, container: Container, partition: str, item_id: str) -> StoredItem:
        """The item. Raises CosmosError 404."""
        stored = self._find(container, partition, item_id)
        if stored is None:
            raise CosmosError(404, "NotFound", "Entity with the specified id does not exist in the system.")
        return stored

    def create(self, container: Container, partition: str | None, item: Item) -> StoredItem:
        """Store a new item. Raises CosmosError 409 if it exists."""
        partition = self._validate(container, partition, item)
        if self._find(container, partition, item["id"]) is not None:
            raise CosmosError(409, "Conflict", "Entity with the specified id already exists in the system.")
        return self._write(container, partition, item)

    def upsert(
        self, container: Container, partition: str | None, item: Item, if_match: str | None
    ) -> tuple[StoredItem, bool]:
        """Store an item; return it and whether it is new. Raises CosmosError 412."""
        partition = self._validate(container, partition, item)
        existing = self._find(container, partition, item["id"])
        if existing is not None:
            _check_etag(existing, if_match)
        return self._write(container, partition, item), existing is None

    def replace(
        self, container: Container, partition: str | None, item_id: str, item: Item, if_match: str | None
    ) -> StoredItem:
        """Replace an item. Raises CosmosError 404 or 412."""
        partition = self._validate(container, partition, item)
        if item["id"] != item_id:
            raise CosmosError(400, "BadRequest", f"The item's id is {item['id']!r}, the request's is {item_id!r}.")
        _check_etag(self.read(container, partition, item_id), if_match)
        return self._write(container, partition, item)

    def delete(self, container: Container, partition: str, item_id: str, if_match: str | None) -> None:
        """Delete an item. Raises CosmosError 404 or 412."""
        _check_etag(self.read(container, partition, item_id), if_match)
        self._database.execute(
            "DELETE FROM items WHERE container = ? AND partition = ? AND id = ?", (container.key, partition, item_id)
        )

    def drop(self, container_key: str) -> None:
        """Delete all items of a container."""
        self._database.execute("DELETE FROM items WHERE container = ?", (container_key,))

    def _find(self, container: Container, partition: str, item_id: str) -> StoredItem | None:
        row = self._database.execute(
            "SELECT body, etag FROM items WHERE container = ? AND partition = ? AND id = ?"
            " AND (expires IS NULL OR expires > ?)",
            (container.key, partition, item_id, self._now()),
        ).fetchone()
        if row is None:
            return None
        return StoredItem(body=row[0], etag=row[1])

    def _validate(self, container: Container, partition: str | None, item: Item) -> str:
        """The partition key value of an item with a legal id. Raises CosmosError 400."""
        item_id = item.get("id")
        if (
            not isinstance(item_id, str)
            or not item_id
            or len(item_id) > 1023
            or any(sign in item_id for sign in "/\\?#")
        ):
            # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
            raise CosmosError(400, "BadRequest", f"The item's id {item_id!r} is missing or not allowed.")
        item_partition = container.partition_of(item)
        if partition is not None and partition != item_partition:
            raise CosmosError(
                400,
                "BadRequest",
                "PartitionKey extracted from document doesn't match the one specified in the header.",
                sub_status=1001,
            )
        return item_partition

    def _write(self, container: Container, partition: str, item: Item) -> StoredItem:
        etag = f'"{uuid.uuid4()}"'
        now = self._now()
        stored = {**item, "_etag": etag, "_ts": int(now)}
        body = json.dumps(stored, ensure_ascii=False, separators=(",", ":"))
        if len(body.encode()) > 2 * 1024 * 1024:
            raise CosmosError(413, "RequestEntityTooLarge", "Request size is too large: an item has at most 2 MB.")
        self._database.execute(
            "INSERT INTO items VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " body = excluded.body, etag = excluded.etag, expires = excluded.expires",
            (container.key, partition, item["id"], body, etag, _expiry(container, item, now)),
        )
        return StoredItem(body=body, etag=etag)


def _expiry(container: Container, item: Item, now: float) -> float | None:
    """An item's own ttl has an effect only if the container has a default: https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live."""
    if container.default_ttl is None:
        return None
    ttl = item.get("ttl", container.default_ttl)
    if ttl == -1:
        return None
    return now + ttl


def _check_etag(stored: StoredItem, if_match: str | None) -> None:
    if if_match not in {None, "*", stored.etag}:
        raise CosmosError(412, "PreconditionFailed", "One of the specified pre-condition is not met.")
