"""Errors of chat completions, in the form of Azure OpenAI."""

from collections.abc import Mapping

from emulator.core.errors import ServiceError


class CompletionError(ServiceError):
    """A request that the service refuses.

    Attributes:
        param: The parameter that the error is about, or None.
        details: More fields of the error.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        details: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, headers)
        self.param = param
        self.details = dict(details or {})


def unsupported(message: str) -> CompletionError:
    """The error for what Azure accepts and the emulator does not."""
    return CompletionError(501, "NotImplemented", f"The emulator's models do not support {message}.")


def invalid(message: str, *, param: str | None = None, code: str = "invalid_request_error") -> CompletionError:
    """The error for a request that Azure refuses from every caller."""
    return CompletionError(400, code, message, param=param)
