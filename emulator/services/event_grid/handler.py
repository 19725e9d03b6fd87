"""Event Grid custom topics: publishing CloudEvents.

The events are stored for tests and people to read. There is no delivery: the emulator has no subscriptions to custom
topics.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any, override

from aiohttp import web

from emulator.core.authorization import PUBLISH, Authorization
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import allows_network_access

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
_REQUIRED_ATTRIBUTES = ("id", "source", "type", "specversion")
_BATCH = "application/cloudevents-batch+json"
# https://learn.microsoft.com/azure/event-grid/cloud-event-schema
_MAX_BYTES = 1024 * 1024


class TopicHandler(ServiceHandler[Resource, None]):
    """The requests to all deployed custom topics; events are stored in SQLite in the order of their arrival."""

    def __init__(self, path: Path, resources: ResourceStore, identities: Identities, faults: Faults) -> None:
        super().__init__(identities, Outage(faults, "eventgrid"))
        self._resources = resources
        self._authorization = Authorization(resources)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS published(topic TEXT, id TEXT, type TEXT, event TEXT)")

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @override
    def find_target(self, request: web.Request) -> Resource:
        name = request.host.partition(".")[0]
        topic = self._resources.find_by_name("eventgrid:Topic", name)
        if topic is None:
            raise ServiceError(404, "NotFound", f"The topic {name} does not exist.")
        return topic

    @override
    def check_network(self, request: web.Request, target: Resource) -> None:
        if not allows_network_access(self._resources, target, "topic", request):
            # https://learn.microsoft.com/azure/event-grid/troubleshoot-errors#error-code-403
            message = (
                f"Publishing to {request.host} by client {request.remote} is rejected due to IpAddress filtering rules."
            )
            raise ServiceError(403, "Forbidden", message)

    @override
    def audiences(self, request: web.Request) -> set[str]:
        return {"https://eventgrid.azure.net"}

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        return ServiceError(401, "Unauthorized", f"The token was refused: {error}")

    @override
    def read_operation(self, request: web.Request, target: Resource) -> None:
        content_type = request.headers.get("Content-Type", "").partition(";")[0]
        if (request.method, request.path, content_type) != ("POST", "/api/events", _BATCH):
            message = f"The emulator supports POST /api/events of {_BATCH} only, not {content_type}."
            raise ServiceError(501, "NotImplemented", message)

    @override
    def check_role(self, caller: Caller, target: Resource, operation: None) -> None:
        if not self._authorization.allows(caller.object_id, PUBLISH, target.id):
            message = f"The principal {caller.object_id} lacks {PUBLISH} on {target.id}."
            raise ServiceError(403, "Forbidden", message)

    @override
    async def answer(self, request: web.Request, target: Resource, operation: None) -> web.StreamResponse:
        body = await request.read()
        if len(body) > _MAX_BYTES:
            raise ServiceError(413, "RequestEntityTooLarge", f"A batch has at most {_MAX_BYTES} bytes.")
        try:
            events: list[dict[str, Any]] = json.loads(body)
            missing = sorted({name for event in events for name in _REQUIRED_ATTRIBUTES if not event.get(name)})
        except (ValueError, AttributeError, TypeError) as error:
            raise ServiceError(400, "BadRequest", f"The body is no list of CloudEvents: {error}") from error
        if missing:
            raise ServiceError(400, "BadRequest", f"CloudEvents need {', '.join(missing)}.")
        self._database.executemany(
            "INSERT INTO published VALUES(?, ?, ?, ?)",
            [(target.name, event["id"], event["type"], json.dumps(event)) for event in events],
        )
        return web.Response(status=200)
