"""Items of containers in one SQLite file. Every write is atomic and durable before it is answered."""

import json
import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Item = dict[str, Any]


class CosmosError(Exception):
    """A refusal, with Cosmos DB's own status, code and sub-status."""

    def __init__(self, status: int, code: str, message: str, sub_status: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.sub_status = sub_status


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container: `key` is unique on the laptop, `default_ttl` as in Cosmos DB (None: items never expire)."""

    key: str
    partition_path: tuple[str, ...]
    default_ttl: int | None

    def partition_of(self, item: Item) -> str:
        """The item's partition key value, as the JSON that clients put into the request's header."""
        value: Any = item
        for part in self.partition_path:
            value = value.get(part) if isinstance(value, dict) else None
        return json.dumps([value])


@dataclass(frozen=True, kw_only=True)
class Stored:
    """An item as it is stored."""

    body: str
    etag: str


class Store:
    """All items. `now` gives seconds since 1970."""

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
        """Closes the database; the object is of no more use."""
        self._database.close()

    def read(self, container: Container, partition: str, item_id: str) -> Stored:
        """The item; raises CosmosError 404."""
        found = self._find(container, partition, item_id)
        if found is None:
            raise _missing()
        return found

    def create(self, container: Container, partition: str | None, item: Item) -> Stored:
        """Stores a new item; raises CosmosError 409 when there is one."""
        partition = self._checked(container, partition, item)
        if self._find(container, partition, item["id"]) is not None:
            raise CosmosError(409, "Conflict", "Entity with the specified id already exists in the system.")
        return self._write(container, partition, item)

    def upsert(
        self, container: Container, partition: str | None, item: Item, if_match: str | None
    ) -> tuple[Stored, bool]:
        """Stores an item, and says whether it is new; raises CosmosError 412."""
        partition = self._checked(container, partition, item)
        found = self._find(container, partition, item["id"])
        if found is not None:
            _match(found, if_match)
        return self._write(container, partition, item), found is None

    def replace(
        self, container: Container, partition: str | None, item_id: str, item: Item, if_match: str | None
    ) -> Stored:
        """Stores an item in the place of an old one; raises CosmosError 404 or 412."""
        partition = self._checked(container, partition, item)
        if item["id"] != item_id:
            raise CosmosError(400, "BadRequest", f"The item's id is {item['id']!r}, the request's is {item_id!r}.")
        _match(self.read(container, partition, item_id), if_match)
        return self._write(container, partition, item)

    def delete(self, container: Container, partition: str, item_id: str, if_match: str | None) -> None:
        """Removes an item; raises CosmosError 404 or 412."""
        _match(self.read(container, partition, item_id), if_match)
        self._database.execute(
            "DELETE FROM items WHERE container = ? AND partition = ? AND id = ?", (container.key, partition, item_id)
        )

    def drop(self, container_key: str) -> None:
        """Removes a container's items."""
        self._database.execute("DELETE FROM items WHERE container = ?", (container_key,))

    def _find(self, container: Container, partition: str, item_id: str) -> Stored | None:
        row = self._database.execute(
            "SELECT body, etag FROM items WHERE container = ? AND partition = ? AND id = ?"
            " AND (expires IS NULL OR expires > ?)",
            (container.key, partition, item_id, self._now()),
        ).fetchone()
        return None if row is None else Stored(body=row[0], etag=row[1])

    def _checked(self, container: Container, partition: str | None, item: Item) -> str:
        item_id = item.get("id")
        if (
            not isinstance(item_id, str)
            or not item_id
            or len(item_id) > 1023
            or any(sign in item_id for sign in "/\\?#")
        ):
            # https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits
            raise CosmosError(400, "BadRequest", f"The item's id {item_id!r} is missing or not allowed.")
        own = container.partition_of(item)
        if partition is not None and partition != own:
            raise CosmosError(
                400,
                "BadRequest",
                "PartitionKey extracted from document doesn't match the one specified in the header.",
                1001,
            )
        return own

    def _write(self, container: Container, partition: str, item: Item) -> Stored:
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
        return Stored(body=body, etag=etag)


def _expiry(container: Container, item: Item, now: float) -> float | None:
    """An item's own ttl counts only if the container has one: https://learn.microsoft.com/azure/cosmos-db/nosql/time-to-live."""
    if container.default_ttl is None:
        return None
    ttl = item.get("ttl", container.default_ttl)
    return None if ttl == -1 else now + ttl


def _match(found: Stored, if_match: str | None) -> None:
    if if_match not in {None, "*", found.etag}:
        raise CosmosError(412, "PreconditionFailed", "One of the specified pre-condition is not met.")


def _missing() -> CosmosError:
    return CosmosError(404, "NotFound", "Entity with the specified id does not exist in the system.")
