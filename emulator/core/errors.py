"""The error that every emulated service raises."""

from collections.abc import Mapping


class ServiceError(Exception):
    """A request that the service refuses, with Azure's status and code.

    Attributes:
        status: HTTP status.
        code: The error code of the service.
        headers: Additional response headers.
    """

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})
