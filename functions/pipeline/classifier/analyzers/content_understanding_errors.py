"""Errors of Content Understanding: of requests, and of operations that failed.

Both have the same structure, with nested errors:
https://learn.microsoft.com/azure/ai-services/document-intelligence/v3-error-guide, for the service whose design it
shares. No documentation lists its own codes; those that are known, and from where, has docs/decisions/0047.
"""

import re
from collections.abc import Iterator

import msgspec
from azure.core.rest import AsyncHttpResponse
from common.domain.errors import PipelineError
from msgspec import Struct

from classifier.domain.errors import AnalyzerConfigurationError, ImageRejectedError, UnexpectedResponseError

# A warning of a result whose fields were suppressed:
# https://learn.microsoft.com/azure/ai-services/content-understanding/concepts/guardrails
HARMFUL_CONTENT_FILTERED = "HarmfulContentFiltered"
# The other codes are those of Azure OpenAI, which the service may pass on:
# https://learn.microsoft.com/azure/foundry/openai/concepts/content-filter-severity-levels
_FILTER_CODES = frozenset({HARMFUL_CONTENT_FILTERED, "content_filter", "ResponsibleAIPolicyViolation"})
# Codes about the file. InvalidContent is one of a failed operation too:
# https://github.com/Azure/azure-sdk-for-net/issues/56192
_IMAGE_CODES = frozenset({"InvalidContent", "InvalidContentDimensions", "InvalidContentLength", "UnsupportedContent"})
# Codes that name what is the same for every image, such as DefaultsNotSet and DefaultDeploymentModelNotFound.
_CONFIGURATION_CODE = re.compile(r"Model|Deployment|Analyzer|ApiVersion|Defaults", re.IGNORECASE)
# Codes that say that the request was wrong, without more.
_REQUEST_CODES = frozenset({"InvalidRequest", "InvalidArgument"})
_RETIRED = re.compile(r"\b(retired|deprecated)\b", re.IGNORECASE)
# Messages of operations that failed because of the model, as users report them (docs/decisions/0047).
_NO_DEPLOYMENT = re.compile(
    r"deployment or resource was not found|model deployment\b.*\bnone was resolved", re.IGNORECASE | re.DOTALL
)
_MODEL_BUSY = re.compile(r"\bRateLimit\b|\brate limit exceeded\b|\b429\b", re.IGNORECASE)


class ServiceError(Struct, frozen=True, kw_only=True):
    """An error, with the errors that it consists of."""

    code: str | None = None
    message: str | None = None
    details: tuple["ServiceError", ...] | None = None
    innererror: "ServiceError | None" = None

    def nested_errors(self) -> Iterator["ServiceError"]:
        """Return the innermost errors first: their codes say most."""
        for error in (self.innererror, *(self.details or ())):
            if error is not None:
                yield from error.nested_errors()
        yield self

    @property
    def is_throttled(self) -> bool:
        """Whether the deployment of the model has refused the operation's calls as too many."""
        return any(_MODEL_BUSY.search(f"{error.code} {error.message}") for error in self.nested_errors())

    def known_error(self) -> PipelineError | None:
        """Return what the error means for the image; None if it may pass, or if its codes are unknown."""
        errors = [error for error in self.nested_errors() if error.code is not None]
        for error in errors:
            if error.code in _FILTER_CODES:
                return ImageRejectedError("ContentFiltered", error.message or "A content filter refuses the image.")
        for error in errors:
            if error.code in _IMAGE_CODES:
                return ImageRejectedError(error.code, error.message or "The service cannot read the image.")
        for error in errors:
            code = error.code or ""
            message = error.message or ""
            if "ApiVersion" not in code and _RETIRED.search(message):
                return AnalyzerConfigurationError("ModelRetired", message)
            if _NO_DEPLOYMENT.search(message):
                return AnalyzerConfigurationError("ModelDeploymentNotFound", message)
            if _CONFIGURATION_CODE.search(code):
                return AnalyzerConfigurationError(code, message)
        if self.code in _REQUEST_CODES:
            return UnexpectedResponseError(errors[0].code or self.code, errors[0].message or "")
        return None


class _ErrorResponse(Struct, frozen=True, kw_only=True):
    error: ServiceError


def request_error(response: AsyncHttpResponse) -> PipelineError | None:
    """Return what the error of a response means; None if it has no known code."""
    try:
        return msgspec.convert(response.json(), _ErrorResponse).error.known_error()
    except ValueError:
        return None
