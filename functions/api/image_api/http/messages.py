"""Requests and responses, independent of the library that receives and sends them."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

_JSON = "application/json"
PROBLEM_JSON = "application/problem+json"


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to the API.

    Attributes:
        method: in capitals.
        path_parameters: the texts of the route's parameters by name, decoded.
        query: the texts of the query's parameters by name, decoded. The values of a repeated parameter are joined with
            commas, as the Functions host does.
        headers: by name in lower case.
        body: the body as it was received.
        id: identifies the request in the log.
    """

    method: str
    path_parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response of the API.

    Attributes:
        status: HTTP status.
        body: the body; empty if there is none.
        content_type: media type of the body.
        headers: further headers.
    """

    status: int
    body: bytes = b""
    content_type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
