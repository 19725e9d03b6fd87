"""Routes of HTTP triggers: literal segments, and parameters that stand for one segment or for the rest of the path.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#customize-the-http-endpoint.
Routes are tried in the order in which functions are registered, without any precedence of literals
(https://briandunnington.github.io/azure_functions_route_priority), so the emulator refuses routes that overlap.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from emulator.services.functions.configuration import ConfigurationError

_LITERAL = re.compile(r"[\w.~-]+")
_PARAMETER = re.compile(r"\{([A-Za-z_]\w*)\}")
_REST = re.compile(r"\{\*([A-Za-z_]\w*)\}")
# An optional parameter that only an empty text can stand for: the way to name the root of an app. An empty route is
# replaced with the function's name.
_NOTHING = re.compile(r"\{[A-Za-z_]\w*:maxlength\(0\)\?\}")
# ASP.NET Core decodes a path before it finds the route, and leaves encoded slashes as they are:
# https://learn.microsoft.com/dotnet/api/microsoft.aspnetcore.http.pathstring
_ENCODED_SLASH = re.compile("%2f", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Route:
    """The route of a function.

    Attributes:
        segments: Segments of the path, in lower case; a parameter is an empty text.
        parameters: Names of the parameters, in their order.
        has_rest: Whether the last parameter stands for the rest of the path.
    """

    segments: tuple[str, ...]
    parameters: tuple[str, ...]
    has_rest: bool

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The parameters of a path of this route, decoded; None for any other path.

        Args:
            raw_path: The path of a request, percent-encoded, with a slash at its start.
        """
        path = [segment for segment in raw_path.split("/") if segment]
        fixed = len(self.segments) - self.has_rest
        if len(path) < fixed or (len(path) > fixed and not self.has_rest):
            return None
        values: list[str] = []
        for expected, segment in zip(self.segments[:fixed], path, strict=False):
            decoded = _decode(segment)
            if not expected:
                values.append(decoded)
            elif decoded.lower() != expected:
                return None
        if self.has_rest:
            values.append("/".join(_decode(segment) for segment in path[fixed:]))
        return dict(zip(self.parameters, values, strict=True))

    def overlaps(self, other: "Route") -> bool:
        """Whether some path is of both routes."""
        for segment, other_segment in zip(self.segments, other.segments, strict=False):
            if segment and other_segment and segment != other_segment:
                return False
        shorter, longer = sorted((self, other), key=lambda route: len(route.segments) - route.has_rest)
        return (
            len(shorter.segments) == len(longer.segments)
            or shorter.has_rest
            or (longer.has_rest and len(longer.segments) == len(shorter.segments) + 1)
        )


def parse_route(function: str, template: str, prefix: str) -> Route:
    """Read the route of a function. Raises ConfigurationError for what the emulator does not support.

    Args:
        function: Name of the function, for the error.
        template: Route of its trigger.
        prefix: `extensions.http.routePrefix` of host.json.
    """
    segments: list[str] = []
    parameters: list[str] = []
    has_rest = False
    texts: Sequence[str] = [text for text in f"{prefix}/{template}".split("/") if text]
    for index, text in enumerate(texts):
        parameter = _PARAMETER.fullmatch(text)
        rest = _REST.fullmatch(text)
        if _NOTHING.fullmatch(text) and index == len(texts) - 1:
            break
        if parameter is not None:
            segments.append("")
            parameters.append(parameter[1])
        elif rest is not None and index == len(texts) - 1:
            segments.append("")
            parameters.append(rest[1])
            has_rest = True
        elif _LITERAL.fullmatch(text):
            segments.append(text.lower())
        else:
            raise ConfigurationError(
                f"{function}: the emulated host does not support {text!r} in the route {template!r}: no constraints "
                "and no optional parameters except {name:maxlength(0)?} at its end, and no text beside a parameter"
            )
    return Route(segments=tuple(segments), parameters=tuple(parameters), has_rest=has_rest)


def _decode(segment: str) -> str:
    return "%2F".join(unquote(text) for text in _ENCODED_SLASH.split(segment))
