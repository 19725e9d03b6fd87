"""Items: partition keys, ETags, time to live, and writes that survive."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from emulator.services.cosmos.store import Container, CosmosError, ItemStore

IMAGES = Container(key="images", partition_path=("id",), default_ttl=None)
BY_OWNER = Container(key="owners", partition_path=("owner", "name"), default_ttl=None)
A = json.dumps(["a"])


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
    created = store.create(IMAGES, A, {"id": "a", "n": 1})
    body = json.loads(store.read(IMAGES, A, "a").body)
    assert body == {"id": "a", "n": 1, "_etag": created.etag, "_ts": 1000}


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
    assert json.loads(store.read(IMAGES, A, "a").body)["n"] == 2
    store.delete(IMAGES, A, "a", second.etag)
    with raises_cosmos_error(404):
        store.replace(IMAGES, A, "a", {"id": "a"}, None)


def test_upsert_says_whether_the_item_is_new(store: ItemStore) -> None:
    assert [store.upsert(IMAGES, A, {"id": "a"}, None)[1] for _ in range(2)] == [True, False]


def test_the_same_id_in_two_partitions_is_two_items(store: ItemStore) -> None:
    for owner in ("x", "y"):
        store.create(BY_OWNER, None, {"id": "a", "owner": {"name": owner}})
    store.delete(BY_OWNER, json.dumps(["x"]), "a", None)
    assert json.loads(store.read(BY_OWNER, json.dumps(["y"]), "a").body)["owner"] == {"name": "y"}


def test_a_partition_key_that_is_not_the_items_is_refused(store: ItemStore) -> None:
    with raises_cosmos_error(400, 1001):
        store.create(IMAGES, json.dumps(["b"]), {"id": "a"})


@pytest.mark.parametrize("item", [{}, {"id": ""}, {"id": 1}, {"id": "a/b"}, {"id": "a" * 1024}])
def test_ids_that_cosmos_refuses_are_refused(store: ItemStore, item: dict[str, object]) -> None:
    with raises_cosmos_error(400):
        store.create(IMAGES, None, item)


def test_an_item_over_two_megabytes_is_refused(store: ItemStore) -> None:
    with raises_cosmos_error(413):
        store.create(IMAGES, A, {"id": "a", "text": "x" * 2_100_000})


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
    container = Container(key="c", partition_path=("id",), default_ttl=default_ttl)
    store.create(container, A, {"id": "a"} | ({} if own is None else {"ttl": own}))
    clock.now += (lives_seconds or 10_000) - 0.1
    store.read(container, A, "a")
    clock.now += 0.2
    if lives_seconds is None:
        store.read(container, A, "a")
    else:
        with raises_cosmos_error(404):
            store.read(container, A, "a")
        store.create(container, A, {"id": "a"})


def test_items_outlive_the_daemon_and_go_with_their_container(store: ItemStore, tmp_path: Path) -> None:
    store.create(IMAGES, A, {"id": "a"})
    with closing(ItemStore(tmp_path / "cosmos.db")) as again:
        assert again.read(IMAGES, A, "a")
        again.drop("images")
    with raises_cosmos_error(404):
        store.read(IMAGES, A, "a")
