"""The operations that the emulator has, by method and path, with the data action that each needs.

https://learn.microsoft.com/rest/api/contentunderstanding/content-analyzers. Of the data actions, those on analyzers are
documented (https://learn.microsoft.com/azure/foundry/concepts/disable-preview-features), `analyzers:analyze/action` and
`defaults/read` are quoted by callers who lacked them, and the others follow their pattern.
"""

import re
from dataclasses import dataclass

from aiohttp import web

from emulator.core.authorization import CONTENT_UNDERSTANDING
from emulator.services.content_understanding.errors import invalid, not_found, unsupported

API_VERSION = "2025-11-01"
PREFIX = "/contentunderstanding"
_ANALYZER_ID = re.compile(r"[a-zA-Z0-9._]{1,64}|prebuilt-[a-zA-Z0-9.]+")


@dataclass(frozen=True, kw_only=True)
class Route:
    """An operation of the API.

    Attributes:
        name: Its name in the REST reference, in snake case.
        action: Data action, below that of the service.
        parameters: Query parameters that it may have besides `api-version`.
    """

    name: str
    action: str
    parameters: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to an operation; the ids are those in its path, or empty."""

    route: Route
    analyzer_id: str = ""
    operation_id: str = ""


_ROUTES = {
    ("GET", "/defaults"): Route(name="get_defaults", action="defaults/read"),
    ("PATCH", "/defaults"): Route(name="update_defaults", action="defaults/write"),
    ("GET", "/analyzers/{analyzer}"): Route(name="get", action="analyzers/read"),
    ("PUT", "/analyzers/{analyzer}"): Route(
        name="create_or_replace", action="analyzers/write", parameters=frozenset({"allowReplace"})
    ),
    ("DELETE", "/analyzers/{analyzer}"): Route(name="delete", action="analyzers/delete"),
    ("GET", "/analyzers/{analyzer}/operations/{operation}"): Route(
        name="get_operation_status", action="analyzers/read"
    ),
    ("POST", "/analyzers/{analyzer}:analyzeBinary"): Route(
        name="analyze_binary",
        action="analyzers:analyze/action",
        parameters=frozenset({"stringEncoding", "processingLocation"}),
    ),
    ("GET", "/analyzerResults/{operation}"): Route(name="get_result", action="analyzerResults/read"),
}


def _pattern(path: str) -> re.Pattern[str]:
    named = path.replace("{analyzer}", "(?P<analyzer>[^/:]+)").replace("{operation}", "(?P<operation>[^/:]+)")
    return re.compile(named)


_PATTERNS = [(method, _pattern(path), route) for (method, path), route in _ROUTES.items()]


def find_call(request: web.Request) -> Call:
    """Return the operation that a request is for. Raises ContentUnderstandingError."""
    path = request.path.removeprefix(PREFIX) if request.path.startswith(f"{PREFIX}/") else ""
    for method, pattern, route in _PATTERNS:
        match = pattern.fullmatch(path)
        if match is None or method != request.method:
            continue
        _check_query(request, route)
        ids = match.groupdict()
        analyzer_id = ids.get("analyzer", "")
        if analyzer_id and not _ANALYZER_ID.fullmatch(analyzer_id):
            raise invalid(f"The analyzer id {analyzer_id!r} does not match [a-zA-Z0-9._]{{1,64}}.")
        return Call(route=route, analyzer_id=analyzer_id, operation_id=ids.get("operation", ""))
    raise unsupported(f"{request.method} {request.path}")


def action_name(route: Route) -> str:
    """Return the full name of the data action."""
    return f"{CONTENT_UNDERSTANDING}/{route.action}"


def _check_query(request: web.Request, route: Route) -> None:
    version = request.query.get("api-version")
    if version is None:
        raise not_found("The query has no api-version.", inner="ApiVersionMissing")
    if version != API_VERSION:
        raise unsupported(f"the API version {version}")
    for name in sorted(request.query.keys() - route.parameters - {"api-version"}):
        raise unsupported(f"the query parameter {name}")
    location = request.query.get("processingLocation", "global")
    if location not in {"geography", "dataZone", "global"}:
        raise invalid(f"processingLocation is {location!r}.")
    encoding = request.query.get("stringEncoding", "codePoint")
    if encoding != "codePoint":
        raise unsupported(f"the string encoding {encoding}")
