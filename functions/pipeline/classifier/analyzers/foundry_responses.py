"""Chat completions of a vision model: its answers, and what its errors mean."""

from typing import Annotated

import msgspec
from azure.core.rest import AsyncHttpResponse
from common.domain.errors import ConfigurationError
from msgspec import Meta, Struct

from classifier.analyzers.responses import parse_response, read_result
from classifier.domain.errors import AnalyzerConfigurationError, ImageRejectedError, UnexpectedResponseError

# Codes of a 400 about the image. They are those of the same service's Responses API; none are listed for completions:
# https://github.com/openai/openai-python/blob/main/src/openai/types/responses/response_error.py
_IMAGE_CODES = frozenset(
    {
        "empty_image_file",
        "image_file_too_large",
        "image_parse_error",
        "image_too_large",
        "image_too_small",
        "invalid_image",
        "invalid_image_format",
        "invalid_image_mode",
        "unsupported_image_media_type",
    }
)
# The code of a 400 about the prompt, and the finish reason of an answer that was cut:
# https://learn.microsoft.com/azure/foundry/openai/concepts/content-filter-severity-levels
_CONTENT_FILTER = "content_filter"
# Azure answers gpt-5.4 with the second one: "Your input image may contain content that is not allowed by our content
# safety system." The third is that of the Responses API.
_CONTENT_FILTER_CODES = frozenset({_CONTENT_FILTER, "content_policy_violation", "image_content_policy_violation"})
# "The chatCompletion operation does not work with the specified model": one that has no chat completions, or was
# retired (https://github.com/BerriAI/litellm/issues/11505).
_WRONG_MODEL = "OperationNotSupported"
# Parameters that are the same for every image: a 400 about one of them is about the configuration.
_FIXED_PARAMETERS = frozenset({"response_format", "model", "max_completion_tokens", "reasoning_effort"})


class _Message(Struct, frozen=True, kw_only=True):
    content: str | None = None
    refusal: str | None = None


class Choice(Struct, frozen=True, kw_only=True):
    """One answer; a request for one image has one."""

    finish_reason: str
    message: _Message


class _Usage(Struct, frozen=True, kw_only=True):
    prompt_tokens: int
    completion_tokens: int


class Completion(Struct, frozen=True, kw_only=True):
    """A chat completion; `model` is the model and the version that has answered."""

    model: str
    choices: Annotated[tuple[Choice, ...], Meta(min_length=1)]
    usage: _Usage


class _Error(Struct, frozen=True, kw_only=True):
    code: str | None = None
    message: str = ""
    param: str | None = None


class _ErrorResponse(Struct, frozen=True, kw_only=True):
    error: _Error


class Answer(Struct, frozen=True, kw_only=True):
    """What the model has written, by the schema of the request."""

    tags: tuple[str, ...] | None = None
    caption: str | None = None
    category: str | None = None
    lines: tuple[str, ...] | None = None


def parse_completion(response: AsyncHttpResponse) -> object:
    """Return the JSON of a successful response.

    Raises:
        ImageRejectedError: the image cannot be read, or a content filter refuses it.
        AnalyzerConfigurationError: the service does not accept what is the same in every request.
        PipelineError: what `responses.parse_response` raises.
    """
    if response.status_code == 400:
        error = _error(response)
        if error.code in _CONTENT_FILTER_CODES:
            raise _filtered(error.message)
        if error.code in _IMAGE_CODES:
            raise ImageRejectedError(str(error.code), error.message)
        if error.param in _FIXED_PARAMETERS or error.code == _WRONG_MODEL:
            raise AnalyzerConfigurationError(error.code or str(error.param), error.message)
    if response.status_code == 410:
        # Elsewhere 410 is transient. "Deployments of a retired model always return error responses":
        # https://learn.microsoft.com/azure/foundry/openai/concepts/model-retirements
        raise ConfigurationError("ModelRetired", _error(response).message or "the model is retired")
    return parse_response(response)


def _error(response: AsyncHttpResponse) -> _Error:
    try:
        return msgspec.convert(response.json(), _ErrorResponse).error
    except ValueError:
        return _Error()


def read_answer(choice: Choice) -> Answer:
    """Return what the model has written.

    Raises:
        ImageRejectedError: a content filter has cut the answer, or the model refuses to answer.
        UnexpectedResponseError: the answer is incomplete, or does not follow the schema.
    """
    if choice.finish_reason == _CONTENT_FILTER:
        raise _filtered("A content filter has removed the answer about the image.")
    if choice.message.refusal:
        raise ImageRejectedError("Refused", f"The model refuses to describe the image: {choice.message.refusal}")
    if choice.finish_reason == "length":
        raise UnexpectedResponseError("AnswerTooLong", "the answer is longer than the request allows and was cut off")
    return read_result(lambda: msgspec.json.decode(choice.message.content or "", type=Answer))


def _filtered(sentence: str) -> ImageRejectedError:
    return ImageRejectedError("ContentFiltered", sentence)
