"""The items of all containers, in one SQLite file. A write is durable before the client gets its response."""

import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from emulator.services.cosmos.items.container import Container, Item, PartitionKey
from emulator.services.cosmos.items.database import open_database
from emulator.services.cosmos.items.errors import CosmosError, backend_error
from emulator.services.cosmos.items.item_indexes import drop_indexes, index_item, unindex_item
from emulator.services.cosmos.items.partitions import partition_of
from emulator.services.cosmos.items.resource_ids import new_container_rid
from emulator.services.cosmos.items.stored_item import check_etag, check_item_key, expiry, stored_body
from emulator.services.cosmos.items.transactions import transaction


@dataclass(frozen=True, kw_only=True)
class StoredItem:
    """The JSON text of an item, its ETag, and the physical partition that it is in."""

    number: int
    body: str
    etag: str
    partition: int

    @property
    def item(self) -> Item:
        """The item."""
        return msgspec.json.decode(self.body)


@dataclass(frozen=True, kw_only=True)
class StoredContainer:
    """The number of a container in the store, its resource id, and how often something was written to it."""

    number: int
    rid: str
    writes: int


class ItemStore:
    """All items."""

    def __init__(self, path: Path, now: Callable[[], float] = time.time, *, partitions: int | None = None) -> None:
        """Open the file at `path`.

        Args:
            path: The file.
            now: Returns the time in seconds since 1970.
            partitions: The number of physical partitions of each container; None: as it was, and 3 at first. When it
                changes, the items are assigned anew, as after a split or a merge.
        """
        self.path = path
        self.now = now
        self._database = open_database(path, partitions)
        # `secret` signs continuation tokens.
        settings = self._database.execute("SELECT partitions, secret FROM settings").fetchone()
        self.partitions: int = settings[0]
        self.secret: bytes = settings[1]

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def open_container(self, container: Container) -> StoredContainer:
        """The stored container, which exists from its first use on."""
        row = self._row(container.key)
        if row is None or row[1] is None:
            self._database.execute(
                "INSERT INTO containers(key, rid) VALUES(?, ?) ON CONFLICT(key) DO UPDATE SET rid = excluded.rid",
                (container.key, new_container_rid(container.database_id)),
            )
            row = self._row(container.key)
        assert row is not None
        number, rid, writes = row
        assert rid is not None
        return StoredContainer(number=number, rid=rid, writes=writes)

    def key_of(self, container_rid: str) -> str | None:
        """The key of the container with this resource id, or None."""
        row = self._database.execute("SELECT key FROM containers WHERE rid = ?", (container_rid,)).fetchone()
        return None if row is None else row[0]

    def id_of(self, stored: StoredContainer, item_number: int) -> str | None:
        """The id of the item with this number, or None."""
        row = self._database.execute(
            "SELECT id FROM items WHERE container = ? AND number = ?", (stored.number, item_number)
        ).fetchone()
        return None if row is None else row[0]

    def read(self, container: Container, partition_key: PartitionKey, item_id: str) -> StoredItem:
        """The item. Raises CosmosError 404."""
        item = self._find(container, partition_key, item_id)
        if item is None:
            raise CosmosError(404, "NotFound", "Entity with the specified id does not exist in the system.")
        return item

    def create(self, container: Container, partition_key: PartitionKey, item: Item) -> StoredItem:
        """Store a new item. Raises CosmosError 409 if it exists."""
        check_item_key(container, partition_key, item)
        if self._find(container, partition_key, item["id"]) is not None:
            raise backend_error(
                "Entity with the specified id already exists in the system.", status=409, code="Conflict"
            )
        return self._write(container, partition_key, item, None)

    def upsert(
        self,
        container: Container,
        partition_key: PartitionKey,
        item: Item,
        if_match: str | None,
    ) -> tuple[StoredItem, bool]:
        """Store an item; return it and whether it is new. Raises CosmosError 412."""
        check_item_key(container, partition_key, item)
        existing = self._find(container, partition_key, item["id"])
        if existing is not None:
            check_etag(existing.etag, if_match)
        return self._write(container, partition_key, item, existing), existing is None

    def replace(
        self,
        container: Container,
        partition_key: PartitionKey,
        item_id: str,
        item: Item,
        if_match: str | None,
    ) -> StoredItem:
        """Replace an item. Raises CosmosError 404 or 412."""
        check_item_key(container, partition_key, item)
        if item["id"] != item_id:
            raise backend_error(f"The item's id is {item['id']!r}, the request's is {item_id!r}.")
        existing = self.read(container, partition_key, item_id)
        check_etag(existing.etag, if_match)
        return self._write(container, partition_key, item, existing)

    def delete(
        self, container: Container, partition_key: PartitionKey, item_id: str, if_match: str | None
    ) -> StoredItem:
        """Delete an item, and return it. Raises CosmosError 404 or 412."""
        existing = self.read(container, partition_key, item_id)
        check_etag(existing.etag, if_match)
        row = self._row(container.key)
        assert row is not None
        with self.transaction():
            self._remove(row[0], existing.number)
            self._count_write(row[0])
        return existing

    def drop(self, container_key: str) -> None:
        """Delete a container with all its items."""
        row = self._row(container_key)
        if row is None:
            return
        with self.transaction():
            drop_indexes(self._database, row[0])
            self._database.execute("DELETE FROM items WHERE container = ?", (row[0],))
            self._database.execute("DELETE FROM containers WHERE number = ?", (row[0],))

    def transaction(self) -> AbstractContextManager[None]:
        """All writes in the block take effect together, or none does after an exception."""
        return transaction(self._database)

    def _row(self, container_key: str) -> tuple[int, str | None, int] | None:
        return self._database.execute(
            "SELECT number, rid, writes FROM containers WHERE key = ?", (container_key,)
        ).fetchone()

    def _find(self, container: Container, partition_key: PartitionKey, item_id: str) -> StoredItem | None:
        row = self._database.execute(
            "SELECT items.number, body, etag, partition FROM items JOIN containers ON containers.number = container"
            " WHERE key = ? AND effective_key = ? AND id = ? AND (expires IS NULL OR expires > ?)",
            (container.key, container.effective_key(partition_key), item_id, self.now()),
        ).fetchone()
        if row is None:
            return None
        number, body, etag, partition = row
        return StoredItem(number=number, body=body, etag=etag, partition=partition)

    def _write(
        self,
        container: Container,
        partition_key: PartitionKey,
        item: Item,
        existing: StoredItem | None,
    ) -> StoredItem:
        stored = self.open_container(container)
        effective_key = container.effective_key(partition_key)
        partition = partition_of(effective_key, self.partitions)
        etag = f'"{uuid.uuid4()}"'
        now = self.now()
        with self.transaction():
            number = self._next_number() if existing is None else existing.number
            body = stored_body(
                item,
                database_id=container.database_id,
                container_rid=stored.rid,
                number=number,
                etag=etag,
                seconds=int(now),
            )
            if existing is None:
                self._remove_expired(stored.number, effective_key, item["id"])
            else:
                self._remove(stored.number, existing.number)
            self._database.execute(
                "INSERT INTO items(number, container, partition, effective_key, id, body, etag, expires)"
                " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    stored.number,
                    partition,
                    effective_key,
                    item["id"],
                    body,
                    etag,
                    expiry(container, item, now),
                ),
            )
            index_item(self._database, stored.number, partition, number, body)
            self._count_write(stored.number)
        return StoredItem(number=number, body=body, etag=etag, partition=partition)

    def _next_number(self) -> int:
        row = self._database.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
        return 1 if row is None else row[0] + 1

    def _remove_expired(self, container: int, effective_key: str, item_id: str) -> None:
        row = self._database.execute(
            "SELECT number FROM items WHERE container = ? AND effective_key = ? AND id = ?",
            (container, effective_key, item_id),
        ).fetchone()
        if row is not None:
            self._remove(container, row[0])

    def _remove(self, container: int, number: int) -> None:
        partition, body = self._database.execute(
            "SELECT partition, body FROM items WHERE number = ?", (number,)
        ).fetchone()
        unindex_item(self._database, container, partition, number, body)
        self._database.execute("DELETE FROM items WHERE number = ?", (number,))

    def _count_write(self, container: int) -> None:
        self._database.execute("UPDATE containers SET writes = writes + 1 WHERE number = ?", (container,))
