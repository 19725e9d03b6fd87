"""Responses of Content Understanding: operations, their results, and the findings in them.

https://learn.microsoft.com/rest/api/contentunderstanding/content-analyzers/get-result
"""

import re
from bisect import bisect_left
from collections.abc import Sequence

import msgspec
from azure.core.rest import AsyncHttpResponse
from common.adapters.service_errors import retry_after_seconds
from common.domain.findings import BoundingBox, TextLine
from common.domain.models import Tokens
from msgspec import UNSET, Struct, UnsetType

from classifier.analyzers.content_understanding_errors import (
    HARMFUL_CONTENT_FILTERED,
    ServiceError,
    request_error,
)
from classifier.analyzers.responses import parse_response, read_result
from classifier.domain.errors import (
    ImageRejectedError,
    OperationLostError,
    OperationRunningError,
    OperationThrottledError,
    UnexpectedResponseError,
)

_OPERATION_ID = re.compile(r"/analyzerResults/([^/?]+)")
# A position on a page: `D(page,x1,y1,x2,y2,x3,y3,x4,y4)`, by
# https://learn.microsoft.com/azure/ai-services/content-understanding/document/elements
_POLYGON = re.compile(r"D\(\d+((?:,-?\d+(?:\.\d+)?){8})\)")
_PIXEL = "pixel"
# How the markdown of an image without text refers to the image itself, in recordings of the service:
# https://github.com/Azure/azure-sdk-assets (js/sdk/contentunderstanding)
_PICTURE = "!["


class Field(Struct, frozen=True, kw_only=True, rename="camel"):
    """The value of a field; one that the model has not filled has none."""

    value_string: str | None = None
    value_array: tuple["Field", ...] | None = None


class _Span(Struct, frozen=True, kw_only=True):
    """A range of the markdown; an offset of 0 may be left out."""

    offset: int = 0
    length: int = 0


class _Word(Struct, frozen=True, kw_only=True):
    span: _Span | None = None
    confidence: float | None = None


class _Line(Struct, frozen=True, kw_only=True):
    content: str
    source: str | None = None
    span: _Span | None = None


class _Page(Struct, frozen=True, kw_only=True):
    lines: tuple[_Line, ...] | None = None
    words: tuple[_Word, ...] | None = None


class Content(Struct, frozen=True, kw_only=True):
    """What was found in one file; an image has one page."""

    markdown: str | None = None
    unit: str | None = None
    fields: dict[str, Field] | None = None
    pages: tuple[_Page, ...] | None = None


class _Result(Struct, frozen=True, kw_only=True):
    contents: tuple[Content, ...]
    warnings: tuple[ServiceError, ...] | None = None


class _Usage(Struct, frozen=True, kw_only=True, rename="camel"):
    contextualization_tokens: int = 0
    tokens: dict[str, int] | None = None


class OperationStatus(Struct, frozen=True, kw_only=True):
    """An operation, and its result once it has succeeded."""

    status: str
    error: ServiceError | None = None
    result: _Result | None = None
    usage: _Usage | None = None

    @property
    def is_throttled(self) -> bool:
        """Whether it failed because its model was called too often."""
        return self.status == "Failed" and self.error is not None and self.error.is_throttled

    @property
    def tokens(self) -> Tokens | UnsetType:
        """The tokens of all models, which have the names `<model>-input` and `<model>-output`; unset if unknown."""
        counts = self.usage.tokens if self.usage is not None else None
        if counts is None:
            return UNSET
        return Tokens(
            input=sum(count for name, count in counts.items() if name.endswith("-input")),
            output=sum(count for name, count in counts.items() if name.endswith("-output")),
        )


def parse_start(response: AsyncHttpResponse) -> tuple[str, float]:
    """Return the id of the operation that was started, and the seconds before which no result is expected.

    Raises:
        ImageRejectedError: the image can never be analyzed.
        AnalyzerConfigurationError: the service does not accept what is the same in every request.
        PipelineError: what `responses.parse_response` raises.
    """
    if response.status_code == 202:
        location = response.headers.get("Operation-Location") or ""
        return read_result(lambda: _operation_id(location)), retry_after_seconds(response.headers)
    _raise_known_error(response)
    parse_response(response)
    raise UnexpectedResponseError("UnexpectedResponse", "the analyzer answered 200 and has started no operation")


def parse_status(response: AsyncHttpResponse) -> tuple[OperationStatus, float] | None:
    """Return the status of an operation, and the seconds before which it will not change; None if there is none.

    Raises:
        PipelineError: what `responses.parse_response` raises.
    """
    if response.status_code == 404:
        return None
    _raise_known_error(response)
    body = parse_response(response)
    return read_result(lambda: msgspec.convert(body, OperationStatus)), retry_after_seconds(response.headers)


def require_contents(status: OperationStatus, retry_after: float) -> Sequence[Content]:
    """Return the contents of an operation that has succeeded.

    Raises:
        OperationRunningError: it is not finished.
        OperationLostError: it was canceled, or failed with an error that may pass.
        OperationThrottledError: it failed because its model was called too often.
        ImageRejectedError: a content filter has removed fields, or the image cannot be read.
        AnalyzerConfigurationError: it failed for a reason that is the same for every image.
        UnexpectedResponseError: it has no result, or failed with an unknown error about the request.
    """
    if status.status in {"NotStarted", "Running"}:
        raise OperationRunningError("the operation is running", retry_after_seconds=retry_after)
    if status.status != "Succeeded":
        error = status.error or ServiceError()
        messages = [nested.message for nested in error.nested_errors() if nested.message]
        summary = f"the operation is {status.status}: {' '.join(messages)}"
        if status.is_throttled:
            raise OperationThrottledError(summary)
        raise error.known_error() or OperationLostError(summary)
    result = read_result(lambda: _require_result(status))
    for warning in result.warnings or ():
        if warning.code == HARMFUL_CONTENT_FILTERED:
            raise ImageRejectedError("ContentFiltered", warning.message or "A content filter has removed the findings.")
    return result.contents


def read_lines(contents: Sequence[Content]) -> tuple[TextLine, ...]:
    """Return the lines of text. Without lines of its own, the lines of a content are those of its markdown."""
    lines: list[TextLine] = []
    for content in contents:
        pages = content.pages or ()
        if any(page.lines for page in pages):
            lines += [line for page in pages for line in _page_lines(page, content.unit)]
        else:
            texts = (text.strip() for text in (content.markdown or "").splitlines())
            texts = (text for text in texts if text and not text.startswith(_PICTURE))
            lines += [TextLine(text=text, confidence=None, box=None) for text in texts]
    return tuple(lines)


def _raise_known_error(response: AsyncHttpResponse) -> None:
    # 410 is transient elsewhere; here an API version or a model is retired. 409 is of an analyzer that is not ready.
    if response.status_code in {400, 409, 410}:
        error = request_error(response)
        if error is not None:
            raise error


def _operation_id(location: str) -> str:
    match = _OPERATION_ID.search(location)
    if match is None:
        raise ValueError(f"Operation-Location {location!r} names no operation")
    return match[1]


def _require_result(status: OperationStatus) -> _Result:
    if status.result is None:
        raise ValueError("the operation has succeeded without a result")
    return status.result


def _page_lines(page: _Page, unit: str | None) -> list[TextLine]:
    """Return the lines of a page, each with the lowest confidence of its words."""
    words = sorted(
        (word.span.offset, word.confidence)
        for word in page.words or ()
        if word.span is not None and word.confidence is not None
    )
    offsets = [offset for offset, _ in words]
    lines: list[TextLine] = []
    for line in page.lines or ():
        confidence: float | None = None
        if line.span is not None:
            first = bisect_left(offsets, line.span.offset)
            end = bisect_left(offsets, line.span.offset + line.span.length)
            confidence = min((confidence for _, confidence in words[first:end]), default=None)
        box = _bounding_box(line.source) if unit == _PIXEL else None
        lines.append(TextLine(text=line.content, confidence=confidence, box=box))
    return lines


def _bounding_box(source: str | None) -> BoundingBox | None:
    """Return the upright bounding box of a polygon in pixels; None if the position is no single polygon."""
    match = _POLYGON.fullmatch(source or "")
    if match is None:
        return None
    values = [float(value) for value in match[1].split(",")[1:]]
    xs = values[0::2]
    ys = values[1::2]
    left = round(min(xs))
    top = round(min(ys))
    return BoundingBox(x=left, y=top, width=round(max(xs)) - left, height=round(max(ys)) - top)
