"""The HTTP trigger: literal routes below `api` without function keys.

An app with route parameters, or with functions that require a key, does not start.
"""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from emulator.services.functions.configuration import ConfigurationError

_LITERAL = re.compile(r"[\w/-]+")
# Runs the function with the request; returns `{ok, error, response}`.
Invoke = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class _Route:
    """A function and the methods that it accepts; no methods stand for all."""

    methods: frozenset[str]
    invoke: Invoke


class HttpListener:
    """Runs the functions with HTTP triggers; `url` is set once it is started."""

    def __init__(self) -> None:
        self._routes: dict[str, _Route] = {}
        self.url = ""
        self._runner: web.AppRunner | None = None

    def add(self, name: str, trigger: Mapping[str, Any], invoke: Invoke) -> None:
        """Add a function. Raises ConfigurationError for what the emulator does not support."""
        route = trigger.get("route") or name
        level = str(trigger.get("authLevel", "function")).lower()
        if not _LITERAL.fullmatch(route):
            raise ConfigurationError(f"{name}: the emulated host has no route parameters, such as in {route!r}")
        if level != "anonymous":
            raise ConfigurationError(f"{name}: the emulated host has no keys, and authLevel is {level}")
        methods = frozenset(method.upper() for method in trigger.get("methods") or ())
        self._routes[f"/api/{route}".lower()] = _Route(methods=methods, invoke=invoke)

    async def start(self) -> None:
        """Listen on a port of 127.0.0.1 that the system chooses."""
        application = web.Application(client_max_size=100 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        route = self._routes.get(request.path.lower())
        if route is None or (route.methods and request.method not in route.methods):
            return web.Response(status=404)
        result = await route.invoke(
            {
                "method": request.method,
                "url": str(request.url),
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "query": dict(request.query),
                "body": base64.b64encode(await request.read()).decode(),
            }
        )
        if not result["ok"]:
            return web.Response(status=500)  # without a reason, as on Azure
        response = result["response"]
        body = base64.b64decode(response["body"])
        return web.Response(status=int(response["status"]), body=body, headers=response["headers"])
