"""Events: who gets them, as whom they are delivered, and what becomes of those that cannot be."""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from emulator.core.faults import Faults
from emulator.core.resource_store import Resource
from emulator.services.event_grid.delivery import BlobEventDelivery
from emulator.services.storage.blob_event import BlobEvent
from emulator.services.storage.operations import Operation
from tests.emulator.conftest import ACCOUNT, CONTRIBUTOR, SENDER, Deployment
from tests.emulator.provider.test_creation import subscription

QUEUE = f"{ACCOUNT}/queueServices/default/queues/images"
DEADLETTER = f"{ACCOUNT}/blobServices/default/containers/deadletter"


class RecordingAzuriteClient:
    """Azurite's place: answers with `status`, and remembers."""

    def __init__(self) -> None:
        self.status: int | Exception = 201
        self.sent: list[tuple[str, str, bytes, Any]] = []
        self.arrived = asyncio.Event()

    @asynccontextmanager
    async def request(self, service: str, account: str, method: str, path: str, **named: Any) -> AsyncIterator[Any]:
        self.sent.append((service, path, named["body"], named.get("query")))
        self.arrived.set()
        status = self.status
        if isinstance(status, Exception):
            raise status

        class Response:
            async def text(self) -> str:
                return "answer"

        response = Response()
        response.status = status  # type: ignore[attr-defined]
        yield response


@pytest.fixture
def azurite() -> RecordingAzuriteClient:
    return RecordingAzuriteClient()


@pytest.fixture
def account(deployment: Deployment) -> Resource:
    """An account with a topic, its roles and a subscription to what happens in `images`."""
    account = deployment.storage()
    topic = deployment.add(
        "eventgrid:SystemTopic", systemTopicName="topic", resourceGroupName="rg", source=ACCOUNT, location="x"
    )
    deployment.assign_role(topic.outputs["identity"]["principalId"], SENDER, QUEUE)
    deployment.assign_role(topic.outputs["identity"]["principalId"], CONTRIBUTOR, DEADLETTER)
    inputs = subscription()
    inputs["deliveryWithResourceIdentity"]["destination"]["queueMessageTimeToLiveInSeconds"] = -1
    inputs["filter"] = {
        "includedEventTypes": ["Microsoft.Storage.BlobCreated"],
        "subjectBeginsWith": "/blobServices/default/containers/images/blobs/",
        "isSubjectCaseSensitive": True,
    }
    inputs["retryPolicy"] = {"maxDeliveryAttempts": 2, "eventTimeToLiveInMinutes": 1440}
    deployment.add("eventgrid:SystemTopicEventSubscription", **inputs)
    return account


@pytest.fixture
def grid(tmp_path: Path, deployment: Deployment, azurite: RecordingAzuriteClient) -> Iterator[BlobEventDelivery]:
    delivery = BlobEventDelivery(tmp_path / "events.db", deployment.resources, azurite, Faults(tmp_path / "none"))  # type: ignore[arg-type]
    yield delivery
    delivery.close()


def publish(
    grid: BlobEventDelivery, account: Resource, name: str = "a b#é.png", container: str = "images", **kind: str
) -> None:
    operation = Operation(name="PutBlob", scope="", alternatives=(), container=container, item=name)
    event_type = kind.get("kind", "Microsoft.Storage.BlobCreated")
    grid.publish(BlobEvent(type=event_type, account=account, operation=operation, data={"eTag": "0x1"}))


def deliver(grid: BlobEventDelivery, azurite: RecordingAzuriteClient, *, times: int = 1) -> None:
    """Lets the delivery run until so many requests were sent, or nothing is to be sent."""

    async def run() -> None:
        azurite.arrived, grid._wake = asyncio.Event(), asyncio.Event()  # of this loop
        task = asyncio.create_task(grid.run())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while len(azurite.sent) < times:
                    azurite.arrived.clear()
                    await azurite.arrived.wait()
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())


def message(body: bytes) -> dict[str, Any]:
    match = re.search(rb"<MessageText>(.*)</MessageText>", body)
    assert match
    return json.loads(base64.b64decode(match[1]))


def test_a_new_blob_is_announced_in_event_grids_words(
    grid: BlobEventDelivery, account: Resource, azurite: RecordingAzuriteClient
) -> None:
    publish(grid, account)
    deliver(grid, azurite)
    ((service, path, body, query),) = azurite.sent
    assert (service, path, query) == ("queue", "/images/messages", [("messagettl", "-1")])
    event = message(body)
    assert event["topic"] == account.id
    assert event["subject"] == "/blobServices/default/containers/images/blobs/a b#é.png"
    assert event["data"]["url"] == "https://stdata.blob.core.windows.net/images/a%20b%23%C3%A9.png"
    assert event["data"]["eTag"] == "0x1"
    assert len(event["data"]["sequencer"]) == 48


@pytest.mark.parametrize(
    "what",
    [{"container": "deadletter"}, {"container": "Images"}, {"kind": "Microsoft.Storage.BlobDeleted"}],
)
def test_what_does_not_pass_the_filter_is_not_sent(
    grid: BlobEventDelivery, account: Resource, azurite: RecordingAzuriteClient, what: dict[str, str]
) -> None:
    publish(grid, account, **what)
    deliver(grid, azurite)
    assert azurite.sent == []


def test_later_events_of_a_blob_have_greater_sequencers(
    grid: BlobEventDelivery, account: Resource, azurite: RecordingAzuriteClient
) -> None:
    for _ in range(3):
        publish(grid, account)
    deliver(grid, azurite, times=3)
    sequencers = [message(body)["data"]["sequencer"] for _, _, body, _ in azurite.sent]
    assert sequencers == sorted(set(sequencers))


def test_an_event_that_no_role_allows_is_dead_lettered_at_once(
    grid: BlobEventDelivery, account: Resource, azurite: RecordingAzuriteClient, deployment: Deployment
) -> None:
    (assignment,) = [
        item for item in deployment.resources.of_type("authorization:RoleAssignment") if item.inputs["scope"] == QUEUE
    ]
    deployment.resources.remove(assignment.id)
    publish(grid, account)
    deliver(grid, azurite)
    ((service, path, body, _),) = azurite.sent
    assert service == "blob"
    assert path.startswith("/deadletter/TOPIC/S/")
    (letter,) = json.loads(body)
    assert letter["lastDeliveryOutcome"].startswith("403")
    assert letter["deliveryAttempts"] == 1


@pytest.mark.parametrize(("bypass", "delivered"), [("AzureServices", 1), ("None", 0)])
def test_a_closed_account_takes_events_from_trusted_services_alone(
    grid: BlobEventDelivery,
    account: Resource,
    azurite: RecordingAzuriteClient,
    deployment: Deployment,
    bypass: str,
    delivered: int,
) -> None:
    rules = {"publicNetworkAccess": "Disabled", "networkRuleSet": {"defaultAction": "Deny", "bypass": bypass}}
    deployment.resources.put(replace(account, inputs=account.inputs | rules))
    publish(grid, account)
    deliver(grid, azurite)
    # The dead letters are in the same account, and are refused as well.
    assert [service for service, *_ in azurite.sent] == ["queue"] * delivered


def test_an_event_outlives_the_daemon_until_it_is_delivered(
    grid: BlobEventDelivery,
    account: Resource,
    azurite: RecordingAzuriteClient,
    deployment: Deployment,
    tmp_path: Path,
) -> None:
    publish(grid, account)
    with closing(
        BlobEventDelivery(tmp_path / "events.db", deployment.resources, azurite, Faults(tmp_path / "none"))  # type: ignore[arg-type]
    ) as again:
        deliver(again, azurite)
        assert len(azurite.sent) == 1
        deliver(again, azurite, times=2)
    assert len(azurite.sent) == 1


@pytest.mark.parametrize("trouble", [500, aiohttp.ClientConnectionError("down")])
def test_a_failed_delivery_is_tried_again_later(
    grid: BlobEventDelivery, account: Resource, azurite: RecordingAzuriteClient, trouble: int | Exception
) -> None:
    azurite.status = trouble
    publish(grid, account)
    deliver(grid, azurite)
    deliver(grid, azurite, times=2)
    assert len(azurite.sent) == 1  # the next attempt is due in ten seconds


def test_an_outage_of_the_queue_service_delays_the_delivery(
    grid: BlobEventDelivery, account: Resource, azurite: RecordingAzuriteClient, tmp_path: Path
) -> None:
    (tmp_path / "none").write_text('{"outages": ["queue"]}')
    publish(grid, account)
    deliver(grid, azurite)
    (tmp_path / "none").write_text("{}")
    deliver(grid, azurite)
    assert azurite.sent == []  # the next attempt is due in ten seconds
    grid._database.execute("UPDATE outbox SET due = 0")
    deliver(grid, azurite)
    assert [service for service, *_ in azurite.sent] == ["queue"]


@pytest.mark.parametrize("faults", ['{"outages": ["eventgrid"]}', "not JSON"])
def test_an_outage_of_event_grid_delays_the_delivery_until_it_ends(
    grid: BlobEventDelivery, account: Resource, azurite: RecordingAzuriteClient, tmp_path: Path, faults: str
) -> None:
    publish(grid, account)
    (tmp_path / "none").write_text(faults)
    deliver(grid, azurite)
    assert azurite.sent == []
    assert grid._database.execute("SELECT attempts FROM outbox").fetchall() == [(0,)]
    (tmp_path / "none").unlink()
    deliver(grid, azurite)
    assert [service for service, *_ in azurite.sent] == ["queue"]


def test_an_event_is_published_although_the_faults_file_is_not_valid(
    grid: BlobEventDelivery, account: Resource, tmp_path: Path
) -> None:
    (tmp_path / "none").write_text("not JSON")
    publish(grid, account)
    assert grid._database.execute("SELECT COUNT(*) FROM outbox").fetchall() == [(1,)]
