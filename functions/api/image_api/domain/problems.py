"""Problems: what the API answers in place of a result, as RFC 9457 defines it.

https://www.rfc-editor.org/rfc/rfc9457
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated

from msgspec import Meta, Struct


@dataclass(frozen=True)
class _Definition:
    code: str
    status: int
    title: str


class ProblemType(Enum):
    """The types of problems: a stable code, the HTTP status, and a title that is the same for every occurrence."""

    INVALID_REQUEST = _Definition("invalidRequest", 400, "The request is not valid.")
    INVALID_NAME = _Definition("invalidName", 400, "The name is not allowed.")
    UNAUTHENTICATED = _Definition("unauthenticated", 401, "The request has no valid access token.")
    FORBIDDEN = _Definition("forbidden", 403, "The caller may not do this.")
    NOT_FOUND = _Definition("notFound", 404, "There is no such image.")
    NAME_TAKEN = _Definition("nameTaken", 409, "There is an image of this name.")
    EMBEDDINGS_OFF = _Definition("embeddingsOff", 409, "The image has no embedding.")
    BODY_TOO_LARGE = _Definition("bodyTooLarge", 413, "The body is too large.")
    UNSUPPORTED_MEDIA_TYPE = _Definition("unsupportedMediaType", 415, "The body is not JSON.")
    QUERY_TOO_EXPENSIVE = _Definition("queryTooExpensive", 422, "The query would read too much.")
    TOO_MANY_REQUESTS = _Definition("tooManyRequests", 429, "The caller sends too many requests.")
    INTERNAL_ERROR = _Definition("internalError", 500, "The request failed.")
    ACCESS_DENIED = _Definition("accessDenied", 503, "The API may not use a service that it needs.")
    MISCONFIGURED = _Definition("misconfigured", 503, "The API is not configured correctly.")
    UNAVAILABLE = _Definition("unavailable", 503, "A service that the API needs is not available.")

    @property
    def code(self) -> str:
        """The stable identifier."""
        return self.value.code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value.status

    @property
    def title(self) -> str:
        """What the type means."""
        return self.value.title


class InvalidValue(Struct, frozen=True, kw_only=True):
    """One value of a request that is not valid."""

    location: Annotated[str, Meta(description="Where the value is: `query`, `path` or `body`, and its name.")]
    detail: Annotated[str, Meta(description="What is wrong, and what is allowed.")]


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document, `application/problem+json`."""

    type: Annotated[str, Meta(description="URI reference of the type of the problem.")]
    title: Annotated[str, Meta(description="What the type means.")]
    status: Annotated[int, Meta(description="The HTTP status.", ge=400, le=599)]
    code: Annotated[str, Meta(description="Stable identifier of the type.")]
    detail: Annotated[str, Meta(description="What happened in this request.")]
    instance: Annotated[str, Meta(description="Identifies the request in the log.")]
    errors: Annotated[tuple[InvalidValue, ...], Meta(description="The values that are not valid.")] = ()


class ProblemError(Exception):
    """Ends a request with a problem.

    Args:
        problem_type: the type of the problem.
        detail: what happened; never a token, a signature or a stack trace.
        errors: the values of the request that are not valid.
        retry_after_seconds: when the request may be sent again, or None.
    """

    def __init__(
        self,
        problem_type: ProblemType,
        detail: str,
        *,
        errors: Sequence[InvalidValue] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem_type = problem_type
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_seconds = retry_after_seconds

    def document(self, request_id: str) -> Problem:
        """Return the problem document of a request."""
        return Problem(
            type=f"/api/openapi.json#/x-problems/{self.problem_type.code}",
            title=self.problem_type.title,
            status=self.problem_type.status,
            code=self.problem_type.code,
            detail=self.detail,
            instance=f"urn:uuid:{request_id}",
            errors=self.errors,
        )
