"""Cosmos DB's errors: status, code, sub-status and text."""

import json

from emulator.core.errors import ServiceError


class CosmosError(ServiceError):
    """An error with Cosmos DB's status, code and sub-status."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        sub_status: int = 0,
        headers: dict[str, str] | None = None,
        additional_info: str | None = None,
    ) -> None:
        """Create the error.

        Args:
            status: HTTP status.
            code: The `code` of the body.
            message: The `message` of the body.
            sub_status: The header `x-ms-substatus`.
            headers: Additional response headers.
            additional_info: The `additionalErrorInfo` of the body, in which a gateway sends a query plan.
        """
        super().__init__(status, code, message, headers)
        self.sub_status = sub_status
        self.additional_info = additional_info


def bad_request(text: str, *, sub_status: int = 0) -> CosmosError:
    """400 as the gateway writes it."""
    return CosmosError(400, "BadRequest", text, sub_status=sub_status)


def backend_error(text: str, *, status: int = 400, code: str = "BadRequest") -> CosmosError:
    """An error of the backend, whose text is a JSON object with `Errors`.

    https://github.com/Azure/Microsoft.Extensions.Caching.Cosmos/issues/83 quotes one.
    """
    return CosmosError(status, code, f"Message: {json.dumps({'Errors': [text]}, ensure_ascii=False)}")


def not_implemented(text: str) -> CosmosError:
    """501: Azure supports it, the emulator does not."""
    return CosmosError(501, "NotImplemented", f"The emulator's Cosmos DB does not support {text}.")
