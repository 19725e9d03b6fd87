"""Errors of Content Understanding: one that says that the request is wrong, with an inner one that says why.

No documentation lists the codes. Those here are in recordings of the service, are quoted by users of the API, or are
those of Document Intelligence, whose design it shares: https://github.com/Azure/azure-sdk-assets
(js/sdk/contentunderstanding) and
https://learn.microsoft.com/azure/ai-services/document-intelligence/v3-error-guide.
"""

from collections.abc import Mapping
from typing import Any

from emulator.core.errors import ServiceError


class ContentUnderstandingError(ServiceError):
    """A request that the service refuses; `inner` is the code of the inner error, or None."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, headers)
        self.inner = inner


def invalid(message: str, *, inner: str = "InvalidParameter") -> ContentUnderstandingError:
    """The error for what Azure refuses from every caller."""
    return ContentUnderstandingError(400, "InvalidRequest", message, inner=inner)


def not_found(message: str, *, inner: str) -> ContentUnderstandingError:
    """The error for what does not exist."""
    return ContentUnderstandingError(404, "NotFound", message, inner=inner)


def unsupported(message: str) -> ContentUnderstandingError:
    """The error for what Azure accepts and the emulator does not."""
    return ContentUnderstandingError(
        501, "NotImplemented", f"The emulator's Content Understanding does not support {message}."
    )


def error_body(code: str, message: str, inner: str | None) -> dict[str, Any]:
    """The error as responses and failed operations have it."""
    if inner is None:
        return {"code": code, "message": message}
    outer = {"InvalidRequest": "Invalid request.", "NotFound": "Resource not found."}.get(code, message)
    return {"code": code, "message": outer, "innererror": {"code": inner, "message": message}}
