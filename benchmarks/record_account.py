"""An emulated Cosmos DB account with many records, which Microsoft's client reads over HTTP."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web
from azure.cosmos.aio import ContainerProxy
from common.domain.day_counts import DayCounts, day_counts_id
from cryptography.hazmat.primitives.asymmetric import rsa
from rich.console import Console
from rich.progress import track

from benchmarks.query_records import NOW, Embeddings, create_records
from emulator.core.directory import Directory
from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import ResourceStore
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.store import ItemStore
from infra.core.rbac import RECORD_QUERY_DATA_ACTIONS
from tests.emulator.conftest import Deployment
from tests.emulator.services.cosmos.conftest import CosmosAccount
from tests.support.container_policies import record_container_policies

_ITEMS = "cosmos.db"
# Days whose counts are stored, as `reconcile` does it.
_COUNTED_DAYS = 31
_EXAMPLES = 50


@dataclass(frozen=True, kw_only=True)
class LoadedRecords:
    """Records in a file of the emulated Cosmos DB.

    Attributes:
        folder: The folder with the file.
        count: Number of records.
        kilobytes: Mean size of a record in KB.
        examples: Names of the images of some that were classified, by the ids of the records.
        policies: The policies of the container.
    """

    folder: Path
    count: int
    kilobytes: float
    examples: Mapping[str, str]
    policies: Mapping[str, Any]


def load_records(folder: Path, count: int, embeddings: Embeddings | None = None) -> LoadedRecords:
    """Store so many records, and the counts of the last days, in one transaction, and show how far it is.

    With `embeddings`, the container has the policies for them, and the records have one each.
    """
    characters = 0
    days: dict[str, _Day] = {}
    examples: dict[str, str] = {}
    features = ["tags"] if embeddings is None else ["tags", "embeddings"]
    policies = record_container_policies("dev", {"features": features})
    records = create_records(count, embeddings)
    progress = track(records, f"{count:,} records", total=count, console=Console(stderr=True), transient=True)
    with _account(folder, partitions=1) as account:
        container = Container.of_resource(account.add_container("images", **policies))
        with account.store.transaction():
            for record in progress:
                characters += len(account.store.create(container, (record["id"],), record).body)
                if record["status"] == "classified" and len(examples) < _EXAMPLES:
                    examples[record["id"]] = record["blob"]["name"]
                _count(days, record)
            for day, counts in days.items():
                item = counts.to_item(date.fromisoformat(day))
                account.store.create(container, (item["id"],), item)
    return LoadedRecords(
        folder=folder,
        count=count,
        kilobytes=characters / count / 1024,
        examples=examples,
        policies=policies,
    )


@contextmanager
def record_container(loaded: LoadedRecords, partitions: int) -> Iterator[CosmosAccount]:
    """The account with the records in so many physical partitions. The principal `api` may query them."""
    with _account(loaded.folder, partitions=partitions) as account:
        account.add_container("images", **loaded.policies)
        account.assign_role("api", *RECORD_QUERY_DATA_ACTIONS)
        yield account


@asynccontextmanager
async def container_client(account: CosmosAccount) -> AsyncIterator[ContainerProxy]:
    """The client of the container, while the account is served over HTTP."""
    application = create_application({"documents.azure.com": account.handler.handle}, ConnectionOrigins())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    account.port = runner.addresses[0][1]
    try:
        async with account.async_client("api") as client:
            yield client.get_database_client("pipeline").get_container_client("images")
    finally:
        await runner.cleanup()


@contextmanager
def _account(folder: Path, partitions: int) -> Iterator[CosmosAccount]:
    """An account with the items of the folder, and with nothing deployed in it."""
    with ExitStack() as stack:
        deployments = folder / f"deployments-{len([*folder.iterdir()])}"
        deployments.mkdir()
        resources = stack.enter_context(closing(ResourceStore(deployments / "resources.db")))
        objects = stack.enter_context(closing(ResourceStore(deployments / "objects.db")))
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        identities = Identities(key, resources, Directory(objects))
        store = stack.enter_context(closing(ItemStore(folder / _ITEMS, partitions=partitions)))
        account = CosmosAccount(Deployment(resources), identities, store, Faults(folder / "faults.json"))
        stack.enter_context(account.handler)
        yield account


class _Day:
    """The counts of the records of a day."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()
        self.labels: Counter[str] = Counter()

    def to_item(self, day: date) -> dict[str, Any]:
        """The item of the container."""
        counts = DayCounts(
            id=day_counts_id(day),
            day=day,
            counted_at=NOW.isoformat(),
            statuses=dict(self.statuses),
            categories=dict(self.categories),
            labels=dict(self.labels.most_common(1000)),
        )
        return msgspec.to_builtins(counts)


def _count(days: dict[str, _Day], record: dict[str, Any]) -> None:
    """Count a record of the last days."""
    if datetime.fromisoformat(record["processedAt"]) < NOW - timedelta(days=_COUNTED_DAYS):
        return
    counts = days.setdefault(record["processedAt"][:10], _Day())
    counts.statuses[record["status"]] += 1
    if record["category"] is not None:
        counts.categories[record["category"]["name"]] += 1
    counts.labels.update(record["labels"])
