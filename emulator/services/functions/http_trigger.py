"""The HTTP trigger: routes without function keys. An app with functions that require a key does not start."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from multidict import MultiMapping

from emulator.services.functions.configuration import ConfigurationError
from emulator.services.functions.routes import Route, parse_route

# Runs the function with the request; returns `{ok, error, response}`.
Invoke = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits
_MAX_BODY_BYTES = 210_000_000


@dataclass(frozen=True, kw_only=True)
class _HttpFunction:
    """A function, its route, and the methods that it accepts; no methods stand for all."""

    name: str
    route: Route
    methods: frozenset[str]
    invoke: Invoke


class HttpListener:
    """Runs the functions with HTTP triggers; `url` is set once it is started.

    Args:
        route_prefix: `extensions.http.routePrefix` of host.json.
    """

    def __init__(self, route_prefix: str = "api") -> None:
        self._route_prefix = route_prefix
        self._functions: list[_HttpFunction] = []
        self.url = ""
        self._runner: web.AppRunner | None = None

    def add(self, name: str, trigger: Mapping[str, Any], invoke: Invoke) -> None:
        """Add a function. Raises ConfigurationError for what the emulator does not support."""
        level = str(trigger.get("authLevel", "function")).lower()
        if level != "anonymous":
            raise ConfigurationError(f"{name}: the emulated host has no keys, and authLevel is {level}")
        function = _HttpFunction(
            name=name,
            route=parse_route(name, trigger.get("route") or name, self._route_prefix),
            methods=frozenset(method.upper() for method in trigger.get("methods") or ()),
            invoke=invoke,
        )
        for other in self._functions:
            shares_method = not function.methods or not other.methods or function.methods & other.methods
            if shares_method and function.route.overlaps(other.route):
                raise ConfigurationError(
                    f"{name}: the emulated host does not support a route that overlaps {other.name}'s"
                )
        self._functions.append(function)

    async def start(self) -> None:
        """Listen on a port of 127.0.0.1 that the system chooses."""
        application = web.Application(client_max_size=_MAX_BODY_BYTES)
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
        for function in self._functions:
            parameters = function.route.match(request.rel_url.raw_path)
            if parameters is not None and (not function.methods or request.method in function.methods):
                return await self._run(function, request, parameters)
        return web.Response(status=404)

    async def _run(self, function: _HttpFunction, request: web.Request, parameters: Mapping[str, str]) -> web.Response:
        result = await function.invoke(
            {
                "method": request.method,
                "url": str(request.url),
                "headers": {name.lower(): value for name, value in request.headers.items()},
                "params": dict(parameters),
                "query": _join_values(request.query),
                "body": base64.b64encode(await request.read()).decode(),
            }
        )
        if not result["ok"]:
            return web.Response(status=500)  # without a reason, as on Azure
        response = result["response"]
        body = base64.b64decode(response["body"])
        return web.Response(status=int(response["status"]), body=body, headers=response["headers"])


def _join_values(query: MultiMapping[str]) -> dict[str, str]:
    """The query's parameters; the values of a repeated one are joined with commas.

    As StringValues.ToString does, which the host calls for each parameter:
    https://github.com/Azure/azure-functions-host (GrpcMessageConversionExtensions.cs, `ToRpcHttp`).
    """
    return {name: ",".join(query.getall(name)) for name in query}
