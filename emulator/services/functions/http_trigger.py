"""The HTTP trigger, as far as the app uses it: literal routes below `api`, open to everybody at this level.

Routes with parameters, and functions that want a key, are refused when the app starts.
"""

import base64
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from emulator.services.functions.configuration import ConfigurationError

_LITERAL = re.compile(r"[\w/-]+")
# Runs the function with the request; gives `{ok, error, response}`.
Invoke = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class HttpListener:
    """The functions that answer HTTP requests, by route; `url` is where they do, once it is started."""

    def __init__(self) -> None:
        self._functions: dict[str, tuple[frozenset[str], Invoke]] = {}
        self.url = ""
        self._runner: web.AppRunner | None = None

    def add(self, name: str, trigger: Mapping[str, Any], invoke: Invoke) -> None:
        """One more function. Raises ConfigurationError for what the laptop does not do."""
        route, level = trigger.get("route") or name, str(trigger.get("authLevel", "function")).lower()
        if not _LITERAL.fullmatch(route):
            raise ConfigurationError(f"{name}: the laptop's host has no route parameters, such as in {route!r}")
        if level != "anonymous":
            raise ConfigurationError(f"{name}: the laptop's host has no keys, and authLevel is {level}")
        self._functions[f"/api/{route}".lower()] = (frozenset(map(str.upper, trigger.get("methods") or ())), invoke)

    async def start(self) -> None:
        """Listens on a port of 127.0.0.1 that the system chooses."""
        application = web.Application(client_max_size=100 * 1024 * 1024)
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Listens no longer."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        methods, invoke = self._functions.get(request.path.lower(), (frozenset[str](), None))
        if invoke is None or (methods and request.method not in methods):
            return web.Response(status=404)
        answer = await invoke(
            {
                "method": request.method,
                "url": str(request.url),
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "query": dict(request.query),
                "body": base64.b64encode(await request.read()).decode(),
            }
        )
        if not answer["ok"]:
            return web.Response(status=500)  # with nothing about why, as on Azure
        said = answer["response"]
        body = base64.b64decode(said["body"])
        return web.Response(status=int(said["status"]), body=body, headers=said["headers"])
