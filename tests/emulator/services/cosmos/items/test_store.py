"""Items in the store: partition keys, ETags, time to live, and writes that survive."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator.core.container_policies import ContainerDefinition, PartitionKeyDefinition
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.effective_partition_key import UNDEFINED
from emulator.services.cosmos.items.errors import CosmosError
from emulator.services.cosmos.items.store import ItemStore

A = ("a",)


def container(key: str, *paths: str, default_ttl: int | None = None) -> Container:
    partition_key = PartitionKeyDefinition(paths=paths, kind="Hash" if len(paths) == 1 else "MultiHash")
    definition = ContainerDefinition(id=key, partition_key=partition_key, default_ttl=default_ttl)
    return Container(key=f"/db/containers/{key}", definition=definition)


IMAGES = container("images", "/id")
BY_OWNER = container("owners", "/owner/name")


class Clock:
    """A clock that is set by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[ItemStore]:
    store = ItemStore(tmp_path / "cosmos.db", clock)
    yield store
    store.close()


def raises_cosmos_error(status: int, sub_status: int = 0):
    return pytest.raises(CosmosError, check=lambda error: (error.status, error.sub_status) == (status, sub_status))


def test_an_item_comes_back_with_what_cosmos_adds(store: ItemStore) -> None:
    created = store.create(IMAGES, A, {"id": "a", "n": 1, "_ts": "mine", "_rid": "mine"})
    body = json.loads(store.read(IMAGES, A, "a").body)
    rid = body.pop("_rid")
    self_link = body.pop("_self")
    assert list(body.items()) == [
        ("id", "a"),
        ("n", 1),
        ("_etag", created.etag),
        ("_attachments", "attachments/"),
        ("_ts", 1000),
    ]
    assert self_link.startswith("dbs/")
    assert self_link.endswith(f"/docs/{rid}/")
    assert len(rid) == 24


def test_a_second_create_is_a_conflict(store: ItemStore) -> None:
    store.create(IMAGES, A, {"id": "a"})
    with raises_cosmos_error(409):
        store.create(IMAGES, A, {"id": "a"})


def test_replace_and_delete_need_the_item_and_its_etag(store: ItemStore) -> None:
    first = store.create(IMAGES, A, {"id": "a", "n": 1})
    second = store.replace(IMAGES, A, "a", {"id": "a", "n": 2}, first.etag)
    with raises_cosmos_error(412):
        store.replace(IMAGES, A, "a", {"id": "a", "n": 3}, first.etag)
    with raises_cosmos_error(412):
        store.delete(IMAGES, A, "a", first.etag)
    with raises_cosmos_error(412):
        store.upsert(IMAGES, A, {"id": "a"}, first.etag)
    assert store.read(IMAGES, A, "a").item["n"] == 2
    store.delete(IMAGES, A, "a", second.etag)
    with raises_cosmos_error(404):
        store.replace(IMAGES, A, "a", {"id": "a"}, None)


def test_a_replaced_item_keeps_its_resource_id_and_a_new_one_gets_its_own(store: ItemStore) -> None:
    first = store.create(IMAGES, A, {"id": "a"}).item["_rid"]
    assert store.replace(IMAGES, A, "a", {"id": "a"}, None).item["_rid"] == first
    store.delete(IMAGES, A, "a", None)
    assert store.create(IMAGES, A, {"id": "a"}).item["_rid"] != first


def test_upsert_says_whether_the_item_is_new(store: ItemStore) -> None:
    assert [store.upsert(IMAGES, A, {"id": "a"}, None)[1] for _ in range(2)] == [True, False]


def test_the_same_id_in_two_partitions_is_two_items(store: ItemStore) -> None:
    for owner in ("x", "y"):
        store.create(BY_OWNER, (owner,), {"id": "a", "owner": {"name": owner}})
    store.delete(BY_OWNER, ("x",), "a", None)
    assert store.read(BY_OWNER, ("y",), "a").item["owner"] == {"name": "y"}


@pytest.mark.parametrize("item", [{"id": "a"}, {"id": "a", "owner": 5}, {"id": "a", "owner": {"name": {}}}])
def test_an_item_without_the_property_has_an_undefined_key(store: ItemStore, item: dict[str, Any]) -> None:
    store.create(BY_OWNER, (UNDEFINED,), item)
    assert store.read(BY_OWNER, (UNDEFINED,), "a")
    with raises_cosmos_error(404):
        store.read(BY_OWNER, (None,), "a")


@pytest.mark.parametrize("key", [("b",), (1,), (None,), (UNDEFINED,)])
def test_a_partition_key_that_is_not_the_items_is_refused(store: ItemStore, key: tuple[Any, ...]) -> None:
    with raises_cosmos_error(400, 1001):
        store.create(IMAGES, key, {"id": "a"})


def test_true_is_another_key_than_1(store: ItemStore) -> None:
    with raises_cosmos_error(400, 1001):
        store.create(container("numbers", "/n"), (True,), {"id": "a", "n": 1})


def test_numbers_are_one_key_however_they_are_written(store: ItemStore) -> None:
    by_number = container("numbers", "/n")
    store.create(by_number, (1,), {"id": "a", "n": 1.0})
    assert store.read(by_number, (1.0,), "a")


def test_hierarchical_keys_tell_items_apart_by_every_level(store: ItemStore) -> None:
    by_day = container("days", "/tenant", "/day")
    store.create(by_day, ("t", "mon"), {"id": "a", "tenant": "t", "day": "mon"})
    with raises_cosmos_error(404):
        store.read(by_day, ("t", "tue"), "a")
    assert store.read(by_day, ("t", "mon"), "a")


def test_a_long_partition_key_is_refused(store: ItemStore) -> None:
    for length in (2048, 2049):
        name = "é" * (length // 2) + "x" * (length % 2)
        item = {"id": "a", "owner": {"name": name}}
        if length == 2048:
            store.create(BY_OWNER, (name,), item)
        else:
            with raises_cosmos_error(400):
                store.create(BY_OWNER, (name,), item)


def test_an_item_over_two_megabytes_is_refused(store: ItemStore) -> None:
    with raises_cosmos_error(413):
        store.create(IMAGES, A, {"id": "a", "text": "x" * 2_097_100})
    with raises_cosmos_error(404):
        store.read(IMAGES, A, "a")


@pytest.mark.parametrize(
    ("default_ttl", "own", "lives_seconds"),
    [
        (None, 5, None),
        (10, None, 10),
        (10, 5, 5),
        (10, -1, None),
        (-1, None, None),
        (-1, 7, 7),
    ],
)
def test_items_expire_as_they_should(
    store: ItemStore, clock: Clock, default_ttl: int | None, own: int | None, lives_seconds: int | None
) -> None:
    expiring = container("c", "/id", default_ttl=default_ttl)
    store.create(expiring, A, {"id": "a"} | ({} if own is None else {"ttl": own}))
    clock.now += (lives_seconds or 10_000) - 0.1
    store.read(expiring, A, "a")
    clock.now += 0.2
    if lives_seconds is None:
        store.read(expiring, A, "a")
    else:
        with raises_cosmos_error(404):
            store.read(expiring, A, "a")
        store.create(expiring, A, {"id": "a"})


def test_items_outlive_the_daemon_and_go_with_their_container(store: ItemStore, tmp_path: Path) -> None:
    store.create(IMAGES, A, {"id": "a"})
    rid = store.open_container(IMAGES).rid
    with closing(ItemStore(tmp_path / "cosmos.db")) as again:
        assert again.read(IMAGES, A, "a")
        again.drop("/db/containers/images")
    with raises_cosmos_error(404):
        store.read(IMAGES, A, "a")
    assert store.open_container(IMAGES).rid != rid


def test_another_number_of_partitions_assigns_the_items_anew(tmp_path: Path) -> None:
    path = tmp_path / "cosmos.db"
    names = [str(number) for number in range(20)]
    with closing(ItemStore(path, partitions=1)) as one:
        assert {one.create(IMAGES, (name,), {"id": name}).partition for name in names} == {0}
    with closing(ItemStore(path, partitions=4)) as four:
        assert {four.read(IMAGES, (name,), name).partition for name in names} == {0, 1, 2, 3}


def test_items_of_release_0_2_are_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "cosmos.db"
    with closing(sqlite3.connect(path)) as old:
        old.execute(
            "CREATE TABLE items(container TEXT, partition TEXT, id TEXT, body TEXT NOT NULL,"
            " etag TEXT NOT NULL, expires REAL, PRIMARY KEY(container, partition, id)) WITHOUT ROWID"
        )
        body = '{"id":"a","n":1,"_etag":"\\"e\\"","_ts":7}'
        row = ("/db/containers/images", '["a"]', "a", body, '"e"', None)
        old.execute("INSERT INTO items VALUES(?, ?, ?, ?, ?, ?)", row)
        old.commit()
    for _ in range(2):
        with closing(ItemStore(path)) as store:
            item = store.read(IMAGES, A, "a").item
            assert (item["n"], item["_etag"], item["_ts"]) == (1, '"e"', 7)
            assert item["_self"].endswith(f"/docs/{item['_rid']}/")


def test_writes_of_a_transaction_take_effect_together(store: ItemStore) -> None:
    with raises_cosmos_error(409), store.transaction():
        for _ in range(2):
            store.create(IMAGES, A, {"id": "a"})
    with raises_cosmos_error(404):
        store.read(IMAGES, A, "a")
    with store.transaction():
        store.create(IMAGES, A, {"id": "a"})
        store.create(IMAGES, ("b",), {"id": "b"})
    assert [store.read(IMAGES, (name,), name).item["id"] for name in "ab"] == ["a", "b"]
