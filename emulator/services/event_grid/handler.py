"""Event Grid custom topics: tokens and roles checked, CloudEvents kept where tests and people can look at them.

Nothing is delivered from here: the program makes no subscription to its topic, and the laptop refuses any other's.
"""

import json
import sqlite3
from pathlib import Path
from typing import Any

from aiohttp import web

from emulator.core.authorization import PUBLISH, Authorization
from emulator.core.http import error
from emulator.core.identity import Identities, TokenError
from emulator.core.resource_store import Resources
from emulator.core.virtual_networks import admits

# https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#required-attributes
_NEEDED = ("id", "source", "type", "specversion")
_BATCH = "application/cloudevents-batch+json"
# https://learn.microsoft.com/azure/event-grid/cloud-event-schema
_MAX_BYTES = 1024 * 1024


class Topics:
    """Every deployed custom topic; events are kept in SQLite, by topic, in the order they came."""

    def __init__(self, path: Path, resources: Resources, identities: Identities) -> None:
        self._resources = resources
        self._identities = identities
        self._authorization = Authorization(resources)
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS published(topic TEXT, id TEXT, type TEXT, event TEXT)")

    def close(self) -> None:
        """Closes the database; the object is of no more use."""
        self._database.close()

    async def handle(self, request: web.Request) -> web.Response:
        """Answers a request to `<topic>.<region>-1.eventgrid.azure.net`."""
        name = request.host.partition(".")[0]
        topic = self._resources.named("eventgrid:Topic", name)
        if topic is None:
            return error(404, "NotFound", f"The topic {name} does not exist.")
        if not admits(self._resources, topic, "topic", request):
            # https://learn.microsoft.com/azure/event-grid/troubleshoot-errors#error-code-403
            rejected = (
                f"Publishing to {request.host} by client {request.remote} is rejected due to IpAddress filtering rules."
            )
            return error(403, "Forbidden", rejected)
        try:
            caller = self._identities.bearer(request, {"https://eventgrid.azure.net"})
        except TokenError as refused:
            return error(401, "Unauthorized", f"The token was refused: {refused}")
        if not self._authorization.allows(caller.object_id, PUBLISH, topic.id):
            return error(403, "Forbidden", f"The principal {caller.object_id} lacks {PUBLISH} on {topic.id}.")
        kind = request.headers.get("Content-Type", "").partition(";")[0]
        if (request.method, request.path, kind) != ("POST", "/api/events", _BATCH):
            return error(501, "NotImplemented", f"The laptop supports POST /api/events of {_BATCH} only, not {kind}.")
        body = await request.read()
        if len(body) > _MAX_BYTES:
            return error(413, "RequestEntityTooLarge", f"A batch has at most {_MAX_BYTES} bytes.")
        try:
            events: list[dict[str, Any]] = json.loads(body)
            missing = sorted({name for event in events for name in _NEEDED if not event.get(name)})
        except (ValueError, AttributeError, TypeError) as wrong:
            return error(400, "BadRequest", f"The body is no list of CloudEvents: {wrong}")
        if missing:
            return error(400, "BadRequest", f"CloudEvents need {', '.join(missing)}.")
        self._database.executemany(
            "INSERT INTO published VALUES(?, ?, ?, ?)",
            [(topic.name, event["id"], event["type"], json.dumps(event)) for event in events],
        )
        return web.Response(status=200)
