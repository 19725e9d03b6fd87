"""Event Grid: what happens to blobs becomes events, delivered by the topic's identity, retried, dead-lettered.

Events are kept in SQLite from before the blob's writer gets its answer until they are delivered, so none is lost when
the daemon dies in between.
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
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

import aiohttp

from local.authorization import Authorization
from local.faults import Faults, FaultsError, Service
from local.gateway import operations
from local.gateway.backend import StorageBackend
from local.resources import Properties, Resource, Resources
from local.virtual_networks import trusts_azure_services

_log = logging.getLogger("local.eventgrid")
# https://learn.microsoft.com/azure/event-grid/delivery-and-retry#retry-schedule
_BACKOFF_SECONDS = (10, 30, 60, 300, 600, 1800, 3600)
# How often an outage of Event Grid itself is looked for, while there is one.
_OUTAGE_POLL_SECONDS = 0.5
_QUEUE_ADD = "Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action"
_BLOB_WRITE = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write"


class DeliveryError(Exception):
    """The event could not be handed over. `final`: Event Grid would not try again."""

    def __init__(self, reason: str, *, final: bool) -> None:
        super().__init__(reason)
        self.final = final


class EventGrid:
    """The outbox and its delivery."""

    def __init__(self, path: Path, resources: Resources, backend: StorageBackend, faults: Faults) -> None:
        self._resources = resources
        self._authorization = Authorization(resources)
        self._backend = backend
        self._faults = faults
        self._wake = asyncio.Event()
        self._sequence = itertools.count(time.time_ns())
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS outbox(id INTEGER PRIMARY KEY, subscription TEXT, event TEXT,"
            " attempts INTEGER DEFAULT 0, due REAL DEFAULT 0, published REAL)"
        )

    def close(self) -> None:
        """Closes the database; the object is of no more use."""
        self._database.close()

    def blob_event(self, kind: str, account: Resource, operation: operations.Operation, data: Properties) -> None:
        """Announces what happened to a blob: one event for every subscription whose filter it passes."""
        subject = f"/blobServices/default/containers/{operation.container}/blobs/{operation.item}"
        path = quote(f"/{operation.container}/{operation.item}")
        event = {
            "topic": account.id,
            "subject": subject,
            "eventType": kind,
            "id": str(uuid.uuid4()),
            "data": {
                "api": operation.name,
                "clientRequestId": "",
                **data,
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
            # At least once, as promised; sometimes twice.
            times = 2 if self._faults.strikes("duplicated") else 1
            for _ in range(times if _passes(subscription.inputs["filter"], event) else 0):
                self._database.execute(
                    "INSERT INTO outbox(subscription, event, published) VALUES(?, ?, ?)",
                    (subscription.id, json.dumps(event), time.time()),
                )
        self._wake.set()

    async def deliver(self) -> None:
        """Delivers what is due, for ever; nothing while Event Grid has an outage."""
        while True:
            if self._is_unavailable("eventgrid"):
                await asyncio.sleep(_OUTAGE_POLL_SECONDS)
                continue
            self._wake.clear()
            now = time.time()
            due = self._database.execute(
                "SELECT id, subscription, event, attempts, published FROM outbox WHERE due <= ? ORDER BY id", (now,)
            ).fetchall()
            for row in due:
                await self._attempt(*row)
            (next_due,) = self._database.execute("SELECT MIN(due) FROM outbox").fetchone()
            timeout = None if next_due is None else max(0.05, next_due - time.time())
            try:
                await asyncio.wait_for(self._wake.wait(), timeout)
            except TimeoutError:
                continue

    def _is_unavailable(self, service: Service) -> bool:
        """Whether a service has an outage; all have one while the file of faults cannot be read."""
        try:
            return self._faults.is_unavailable(service)
        except FaultsError as error:
            _log.error("%s", error)
            return True

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

    async def _attempt(self, row: int, subscription_id: str, event: str, attempts: int, published: float) -> None:
        subscription = self._resources.get(subscription_id)
        if subscription is None:  # deleted: its events go with it
            self._forget(row)
            return
        policy: Properties = subscription.inputs.get("retryPolicy") or {}
        try:
            try:
                await self._to_queue(subscription, event)
            except aiohttp.ClientError as error:
                raise DeliveryError(f"the queue cannot be reached: {error}", final=False) from error
        except DeliveryError as error:
            attempts += 1
            age_minutes = (time.time() - published) / 60
            _log.warning("attempt %d for %s: %s", attempts, subscription.name, error)
            if (
                error.final
                or attempts >= policy.get("maxDeliveryAttempts", 30)
                or age_minutes >= policy.get("eventTimeToLiveInMinutes", 1440)
            ):
                await self._to_dead_letters(subscription, event, attempts, str(error))
            else:
                wait = _BACKOFF_SECONDS[min(attempts, len(_BACKOFF_SECONDS)) - 1]
                self._database.execute(
                    "UPDATE outbox SET attempts = ?, due = ? WHERE id = ?", (attempts, time.time() + wait, row)
                )
                return
        self._forget(row)

    def _forget(self, row: int) -> None:
        self._database.execute("DELETE FROM outbox WHERE id = ?", (row,))

    async def _to_queue(self, subscription: Resource, event: str) -> None:
        target: Properties = subscription.inputs["deliveryWithResourceIdentity"]["destination"]
        account, queue = target["resourceId"], target["queueName"]
        if self._is_unavailable("queue"):
            raise DeliveryError("503 ServerBusy", final=False)
        self._require_network(account)
        self._require(subscription, _QUEUE_ADD, f"{account}/queueServices/default/queues/{queue}")
        encoded = escape(base64.b64encode(event.encode()).decode())
        body = f"<QueueMessage><MessageText>{encoded}</MessageText></QueueMessage>".encode()
        ttl = str(target.get("queueMessageTimeToLiveInSeconds", 604_800))
        async with self._backend.request(
            "queue",
            account.rsplit("/", 1)[1],
            "POST",
            f"/{queue}/messages",
            query=[("messagettl", ttl)],
            headers={"Content-Type": "application/xml"},
            body=body,
        ) as response:
            if response.status != 201:
                raise DeliveryError(f"{response.status} {(await response.text())[:300]}", final=False)

    async def _to_dead_letters(self, subscription: Resource, event: str, attempts: int, reason: str) -> None:
        target: Properties = subscription.inputs["deadLetterWithResourceIdentity"]["deadLetterDestination"]
        account, container = target["resourceId"], target["blobContainerName"]
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
            self._require(subscription, _BLOB_WRITE, f"{account}/blobServices/default/containers/{container}")
            async with self._backend.request(
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
            # As Azure: an event that cannot be dead-lettered either is dropped.
            _log.error("event dropped, its dead letter was refused: %s; %s", error, event)

    def _require_network(self, account_id: str) -> None:
        """Event Grid delivers from the internet, and passes network rules as a trusted service alone.

        https://learn.microsoft.com/azure/storage/common/storage-network-security-trusted-azure-services
        """
        account = self._resources.get(account_id)
        if account is not None and not trusts_azure_services(account):
            raise DeliveryError(f"403 AuthorizationFailure: the network rules of {account_id} refuse it", final=True)

    def _require(self, subscription: Resource, action: str, scope: str) -> None:
        topic = self._resources.get(subscription.id.rsplit("/eventSubscriptions/", 1)[0])
        principal = topic.outputs["identity"]["principalId"] if topic else ""
        if not self._authorization.allows(principal, action, scope):
            # Azure does not try again either: delivery-and-retry, 403 for Azure resources.
            raise DeliveryError(f"403 the topic's identity {principal} lacks {action} on {scope}", final=True)


def _passes(condition: Properties, event: Properties) -> bool:
    kinds: list[Any] | None = condition.get("includedEventTypes")
    subject, start, end = event["subject"], condition.get("subjectBeginsWith", ""), condition.get("subjectEndsWith", "")
    if not condition.get("isSubjectCaseSensitive", False):
        subject, start, end = subject.lower(), start.lower(), end.lower()
    return (not kinds or event["eventType"] in kinds) and subject.startswith(start) and subject.endswith(end)
