"""Errors of the sign-in endpoints, in the form and with the codes of Entra ID.

https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import uuid
from datetime import UTC, datetime
from typing import Any


class SignInError(Exception):
    """A request that the sign-in endpoints refuse.

    Attributes:
        error: The error of OAuth 2.0, such as `invalid_grant`.
        code: The number after AADSTS.
    """

    def __init__(self, error: str, code: int, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.code = code

    @property
    def description(self) -> str:
        """The value of `error_description`, without trace id and time."""
        return f"AADSTS{self.code}: {self}"

    def to_json(self) -> dict[str, Any]:
        """The body of an error response of the token endpoint."""
        trace_id = str(uuid.uuid4())
        correlation_id = str(uuid.uuid4())
        timestamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ}"
        return {
            "error": self.error,
            "error_description": (
                f"{self.description} Trace ID: {trace_id} Correlation ID: {correlation_id} Timestamp: {timestamp}"
            ),
            "error_codes": [self.code],
            "timestamp": timestamp,
            "trace_id": trace_id,
            "correlation_id": correlation_id,
            "error_uri": f"https://login.microsoftonline.com/error?code={self.code}",
        }


class UnsupportedRequestError(Exception):
    """A request that Entra ID supports and the emulator does not."""


def missing_parameter(name: str) -> SignInError:
    """The error for a request without a parameter."""
    return SignInError("invalid_request", 900144, f"The request body must contain the following parameter: '{name}'.")
