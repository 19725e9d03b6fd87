"""What the requests to all operations have in common: errors, API version and query parameters."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


class RequestError(Exception):
    """A request that the service refuses.

    Attributes:
        inner: The service's own inner code; None where it gives none.
        status: HTTP status.
        code: The error code.
    """

    def __init__(self, inner: str | None, message: str, *, status: int = 400, code: str = "InvalidRequest") -> None:
        super().__init__(message)
        self.inner = inner
        self.status = status
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request to an operation; `content_type` is in lower case and has no parameters."""

    content: bytes
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    content_type: str = "application/octet-stream"


def unsupported(message: str) -> RequestError:
    """The error for what Azure accepts and the emulator does not."""
    return RequestError(None, f"The emulator's Vision does not support {message}.", status=501, code="NotImplemented")


def check_api_version(query: Mapping[str, str], versions: Collection[str]) -> None:
    """Raise RequestError unless the query has one of the versions.

    For an unknown version Azure answers that there is no such resource:
    https://github.com/MicrosoftDocs/azure-docs/issues/120920. For a missing one this is assumed.
    """
    if query.get("api-version") not in versions:
        raise RequestError(None, "Resource not found", status=404, code="404")


def check_parameters(query: Mapping[str, str], known: Collection[str]) -> None:
    """Raise RequestError if the query has another parameter, which would have no effect."""
    extra = sorted(set(query) - set(known))
    if extra:
        raise RequestError("InvalidRequest", f"The emulator's Vision does not support {', '.join(extra)}.")


def check_value(query: Mapping[str, str], name: str, allowed: Collection[str]) -> None:
    """Raise RequestError if the parameter is there and has another value."""
    if name in query and query[name] not in allowed:
        raise RequestError(
            "InvalidRequest", f"{name} is {query[name]!r}; the emulator's Vision has {', '.join(sorted(allowed))}."
        )
