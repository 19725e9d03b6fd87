"""Delivery of blob events to storage queues, with the system topic's identity, retries and dead letters.

Events are stored in SQLite before the client of Blob Storage gets its response, and removed after their delivery, so
that none is lost when the daemon is killed.
"""

import asyncio
import base64
import itertools
import json
import logging
import sqlite3
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape

import aiohttp

from emulator.core.authorization import Authorization
from emulator.core.faults import Faults, FaultsError
from emulator.core.outages import Outage
from emulator.core.resource_store import Properties, Resource, ResourceStore
from emulator.core.virtual_networks import trusts_azure_services
from emulator.services.event_grid.event_filter import matches_filter
from emulator.services.storage.azurite_client import AzuriteClient
from emulator.services.storage.blob_event import BlobEvent

_log = logging.getLogger("emulator.event_grid")
# https://learn.microsoft.com/azure/event-grid/delivery-and-retry#retry-schedule
_BACKOFF_SECONDS = (10, 30, 60, 300, 600, 1800, 3600)
# The interval of checks whether an outage of Event Grid has ended.
_OUTAGE_POLL_SECONDS = 0.5
_QUEUE_ADD = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action"
_BLOB_WRITE = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"


class DeliveryError(Exception):
    """The event was not delivered. If the error is `final`, Event Grid does not try again."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.final = final


class BlobEventDelivery:
    """Events to deliver, and their delivery."""

    def __init__(self, path: Path, resources: ResourceStore, azurite_client: AzuriteClient, faults: Faults) -> None:
        self._resources = resources
        self._authorization = Authorization(resources)
        self._azurite_client = azurite_client
        self._faults = faults
        self._event_grid_outage = Outage(faults, "eventgrid")
        self._queue_outage = Outage(faults, "queue")
        self._wake = asyncio.Event()
        self._sequence = itertools.count(time.time_ns())
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS outbox(id INTEGER PRIMARY KEY, subscription TEXT, event TEXT,"
            " attempts INTEGER DEFAULT 0, due REAL DEFAULT 0, published REAL)"
        )

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    def publish(self, blob_event: BlobEvent) -> None:
        """Store one event for every subscription with a matching filter; `run` delivers them.

        https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
        """
        account = blob_event.account
        operation = blob_event.operation
        path = quote(f"/{operation.container}/{operation.item}")
        event = {
            "topic": account.id,
            "subject": f"/blobServices/default/containers/{operation.container}/blobs/{operation.item}",
            "eventType": blob_event.type,
            "id": str(uuid.uuid4()),
            "data": {
                "api": operation.name,
                "clientRequestId": "",
                **blob_event.data,
                "blobType": "BlockBlob",
                "url": f"{account.outputs['primaryEndpoints']['blob'].rstrip('/')}{path}",
                "sequencer": f"{next(self._sequence):048X}",
                "storageDiagnostics": {"batchId": str(uuid.uuid4())},
            },
            "dataVersion": "",
            "metadataVersion": "1",
            "eventTime": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        }
        for subscription in self._subscriptions(account):
            if not matches_filter(subscription.inputs["filter"], event):
                continue
            copies = 2 if self._should_duplicate() else 1
            for _ in range(copies):
                self._database.execute(
                    "INSERT INTO outbox(subscription, event, published) VALUES(?, ?, ?)",
                    (subscription.id, json.dumps(event), time.time()),
                )
        self._wake.set()

    async def run(self) -> None:
        """Delivers events when they are due, and none during an outage of Event Grid, until it is cancelled."""
        while True:
            if self._event_grid_outage.is_active():
                await asyncio.sleep(_OUTAGE_POLL_SECONDS)
                continue
            self._wake.clear()
            now = time.time()
            due = self._database.execute(
                "SELECT id, subscription, event, attempts, published FROM outbox WHERE due <= ? ORDER BY id", (now,)
            ).fetchall()
            for row in due:
                await self._deliver(*row)
            (next_due,) = self._database.execute("SELECT MIN(due) FROM outbox").fetchone()
            timeout = None if next_due is None else max(0.05, next_due - time.time())
            try:
                await asyncio.wait_for(self._wake.wait(), timeout)
            except TimeoutError:
                continue

    def _should_duplicate(self) -> bool:
        """Whether an event is to be delivered twice: Event Grid delivers at least once."""
        try:
            return self._faults.should_fail("duplicated")
        except FaultsError as error:
            _log.error("%s", error)  # the blob has been written, so its event must be published
            return False

    def _subscriptions(self, account: Resource) -> list[Resource]:
        topics = {
            topic.id.lower()
            for topic in self._resources.of_type("eventgrid:SystemTopic")
            if topic.inputs["source"].lower() == account.id.lower()
        }
        return [
            subscription
            for subscription in self._resources.of_type("eventgrid:SystemTopicEventSubscription")
            if subscription.id.lower().rsplit("/eventsubscriptions/", 1)[0] in topics
        ]

    async def _deliver(self, row: int, subscription_id: str, event: str, attempts: int, published: float) -> None:
        subscription = self._resources.get(subscription_id)
        if subscription is None:  # deleted, and its events with it
            self._remove(row)
            return
        policy: Properties = subscription.inputs.get("retryPolicy") or {}
        try:
            await self._send_to_queue(subscription, event)
        except DeliveryError as error:
            attempts += 1
            age_minutes = (time.time() - published) / 60
            _log.warning("attempt %d for %s: %s", attempts, subscription.name, error)
            if (
                error.final
                or attempts >= policy.get("maxDeliveryAttempts", 30)
                or age_minutes >= policy.get("eventTimeToLiveInMinutes", 1440)
            ):
                await self._dead_letter(subscription, event, attempts, str(error))
            else:
                wait = _BACKOFF_SECONDS[min(attempts, len(_BACKOFF_SECONDS)) - 1]
                self._database.execute(
                    "UPDATE outbox SET attempts = ?, due = ? WHERE id = ?", (attempts, time.time() + wait, row)
                )
                return
        self._remove(row)

    def _remove(self, row: int) -> None:
        self._database.execute("DELETE FROM outbox WHERE id = ?", (row,))

    async def _send_to_queue(self, subscription: Resource, event: str) -> None:
        """Send an event to the subscription's queue. Raises DeliveryError."""
        destination: Properties = subscription.inputs["deliveryWithResourceIdentity"]["destination"]
        account = destination["resourceId"]
        queue = destination["queueName"]
        if self._queue_outage.is_active():
            raise DeliveryError("503 ServerBusy", final=False)
        self._require_network(account)
        self._require_role(subscription, _QUEUE_ADD, f"{account}/queueServices/default/queues/{queue}")
        encoded = escape(base64.b64encode(event.encode()).decode())
        ttl = str(destination.get("queueMessageTimeToLiveInSeconds", 604_800))
        try:
            async with self._azurite_client.request(
                "queue",
                account.rsplit("/", 1)[1],
                "POST",
                f"/{queue}/messages",
                query=[("messagettl", ttl)],
                headers={"Content-Type": "application/xml"},
                body=f"<QueueMessage><MessageText>{encoded}</MessageText></QueueMessage>".encode(),
            ) as response:
                if response.status != 201:
                    raise DeliveryError(f"{response.status} {(await response.text())[:300]}", final=False)
        except aiohttp.ClientError as error:
            raise DeliveryError(f"the queue cannot be reached: {error}", final=False) from error

    async def _dead_letter(self, subscription: Resource, event: str, attempts: int, reason: str) -> None:
        """Write an event to the subscription's dead-letter container; an event that is refused there is dropped.

        https://learn.microsoft.com/azure/event-grid/manage-event-delivery
        """
        destination: Properties = subscription.inputs["deadLetterWithResourceIdentity"]["deadLetterDestination"]
        account = destination["resourceId"]
        container = destination["blobContainerName"]
        now = datetime.now(UTC)
        letter = json.loads(event) | {
            "deadLetterReason": "MaxDeliveryAttemptsExceeded",
            "deliveryAttempts": attempts,
            "lastDeliveryOutcome": reason,
            "lastDeliveryAttemptTime": now.isoformat(),
        }
        topic = subscription.inputs["systemTopicName"].upper()
        path = f"/{container}/{topic}/{subscription.name.upper()}/{now:%Y/%-m/%-d/%-H}/{letter['id']}.json"
        try:
            self._require_network(account)
            self._require_role(subscription, _BLOB_WRITE, f"{account}/blobServices/default/containers/{container}")
            async with self._azurite_client.request(
                "blob",
                account.rsplit("/", 1)[1],
                "PUT",
                path,
                headers={"x-ms-blob-type": "BlockBlob", "Content-Type": "application/json"},
                body=json.dumps([letter]).encode(),
            ) as response:
                if response.status != 201:
                    raise DeliveryError(f"{response.status} {(await response.text())[:300]}", final=True)
        except (DeliveryError, aiohttp.ClientError) as error:
            _log.error("event dropped, its dead letter was refused: %s; %s", error, event)

    def _require_network(self, account_id: str) -> None:
        """Raise DeliveryError unless the network rules allow trusted services; Event Grid has no private path.

        https://learn.microsoft.com/azure/storage/common/storage-network-security-trusted-azure-services
        """
        account = self._resources.get(account_id)
        if account is not None and not trusts_azure_services(account):
            raise DeliveryError(f"403 AuthorizationFailure: the network rules of {account_id} refuse it", final=True)

    def _require_role(self, subscription: Resource, action: str, scope: str) -> None:
        """Raise DeliveryError unless the topic's identity may perform the action."""
        topic = self._resources.get(subscription.id.rsplit("/eventSubscriptions/", 1)[0])
        principal = topic.outputs["identity"]["principalId"] if topic else ""
        if not self._authorization.allows(principal, action, scope):
            # Azure does not retry either: 403 for Azure resources, in delivery-and-retry.
            raise DeliveryError(f"403 the topic's identity {principal} lacks {action} on {scope}", final=True)
