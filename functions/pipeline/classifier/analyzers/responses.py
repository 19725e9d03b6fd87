"""Responses of Azure AI services: results, and what their errors mean."""

import json
from collections.abc import Callable, Mapping

from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse
from common.adapters.service_errors import retry_after_seconds
from common.domain.errors import ConfigurationError, PipelineError

from classifier.domain.errors import (
    AnalyzerConfigurationError,
    ImageRejectedError,
    ThrottledError,
    UnexpectedResponseError,
)

SERVICE = "the analyzer"
# Inner codes of a 400 that say that the image can never be analyzed:
# https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image-40#error-codes
# https://learn.microsoft.com/javascript/api/@azure/cognitiveservices-computervision/computervisionmodels.computervisioninnererrorcodevalue
# https://learn.microsoft.com/rest/api/customvision/prediction/classify-image
_IMAGE_CODES = frozenset(
    {
        "BadRequestImageFormat",
        "BadRequestImageSizeBytes",
        "FailedToProcess",
        "InvalidImage",
        "InvalidImageDimension",
        "InvalidImageFormat",
        "InvalidImageSize",
        "NotSupportedImage",
    }
)
# A file of a wrong size is rejected without an inner code:
# https://learn.microsoft.com/answers/questions/1688452/image-analysis-error-code-may-be-missing-when-inpu
_SIZE_SENTENCE = "The image size is not allowed"
_SIZE_CODE = "InvalidImageSize"
# Codes of a 400 that say that the request is wrong, whatever its image.
_REQUEST_CODES = frozenset(
    {
        "BadArgument",
        "InvalidDetails",
        "InvalidModel",
        "NotSupportedFeature",
        "NotSupportedLanguage",
        "NotSupportedVisualFeature",
    }
)
# A feature that the region does not have, or a wrong content type, is rejected without an inner code.
_REQUEST_SENTENCE = "is not supported"
# A configured resource does not exist, such as a project or its iteration.
_NOT_FOUND = frozenset({404, 405, 415})


def parse_response(response: AsyncHttpResponse) -> object:
    """Return the JSON of a successful response.

    Raises:
        ImageRejectedError: the image can never be analyzed.
        ConfigurationError: the service does not accept the request, whatever its image.
        ThrottledError: 429.
        UnexpectedResponseError: the response is no JSON, or has an unknown error code.
        HttpResponseError: any other error; `service_errors.service_error` maps it.
    """
    if response.status_code == 200:
        try:
            return response.json()
        except ValueError as error:
            raise UnexpectedResponseError("UnexpectedResponse", f"{SERVICE} answered no JSON: {error}") from error
    if response.status_code == 429:
        retry_after = retry_after_seconds(response.headers)
        raise ThrottledError("the account is throttled", retry_after_seconds=retry_after or 1.0)
    error = HttpResponseError(response=response)
    detail = error.error
    inner_error: Mapping[str, object] = (detail.innererror if detail else None) or {}
    code = str(inner_error.get("code") or (detail.code if detail else None) or response.status_code)
    sentence = str(inner_error.get("message") or (detail.message if detail else None) or error.message)
    if response.status_code in _NOT_FOUND:
        raise ConfigurationError(code, sentence)
    if response.status_code == 400:
        raise _bad_request(code, sentence)
    raise error


def _bad_request(code: str, sentence: str) -> PipelineError:
    if sentence.startswith(_SIZE_SENTENCE):
        return ImageRejectedError(_SIZE_CODE, sentence)
    if code in _IMAGE_CODES:
        return ImageRejectedError(code, sentence)
    if code in _REQUEST_CODES or _REQUEST_SENTENCE in sentence:
        return AnalyzerConfigurationError(code, sentence)
    return UnexpectedResponseError(code, sentence)


def read_result[Result](read: Callable[[], Result]) -> Result:
    """Return the result of `read`, a function that takes values out of a response.

    Raises:
        UnexpectedResponseError: the response has another structure. The call was charged all the same.
    """
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        sentence = f"{SERVICE} answered what cannot be read: {type(error).__name__} {json.dumps(str(error))}"
        raise UnexpectedResponseError("UnexpectedResponse", sentence) from error
