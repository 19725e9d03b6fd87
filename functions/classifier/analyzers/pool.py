"""Calls to Azure AI services: several accounts, each as fast as its governor says; what their refusals mean."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest

from classifier import measures
from classifier.adapters.world import World
from classifier.governor import Governor, Quota
from classifier.limits import Rejected
from classifier.ports import Later, Refused

# Waiting costs an instance's time; a message that waits in the queue costs nothing.
PATIENCE_SECONDS = 20.0
# Once one of an image's calls is paid for, the others are worth more patience.
MORE_PATIENCE_SECONDS = 100.0
# azure-core tries passing faults again this often.
_RETRYING: dict[str, Any] = {"retry_total": 2, "retry_backoff_factor": 0.5}
_SLICE = 256 * 1024
_SCOPE = "https://cognitiveservices.azure.com/.default"
# What the services answer about an image that no retry will change:
# https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/call-analyze-image-40#error-codes
# https://learn.microsoft.com/javascript/api/@azure/cognitiveservices-computervision/computervisioninnererrorcodevalue
# https://learn.microsoft.com/rest/api/customvision/prediction/classify-image
_VERDICTS = frozenset(
    {
        "InvalidImageFormat",
        "InvalidImageSize",
        "InvalidImageDimension",
        "NotSupportedImage",
        "InvalidImage",
        "FailedToProcess",
        "BadRequestImageFormat",
        "BadRequestImageSizeBytes",
    }
)
# The one verdict that Image Analysis gives without an inner code; "InvalidRequest" alone is also about a feature that
# the region lacks, or a content type: https://learn.microsoft.com/answers/questions/1688452.
_SIZE_VERDICT = "The image size is not allowed to be zero or larger than"
# Not the image's fault, and not passing either: what was asked for does not exist.
_SET_UP_WRONGLY = frozenset({400, 404, 405, 415})


class Throttled(Exception):
    """The account refused a call with 429; another is worth trying after `retry_after` seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("the account is throttled")
        self.retry_after = retry_after


class NoticeThrottling(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Raises Throttled before the SDK's own retry policy sees a 429, for it would wait without telling the governor."""

    def on_response(
        self,
        request: PipelineRequest[HttpRequest],
        response: PipelineResponse[HttpRequest, AsyncHttpResponse],
    ) -> None:
        """As `SansIOHTTPPolicy.on_response`."""
        if response.http_response.status_code == 429:
            seconds = response.http_response.headers.get("Retry-After", "")
            raise Throttled(float(seconds) if seconds.isdecimal() else 1.0)


def client_options(world: World) -> dict[str, Any]:
    """How every client of an AI service is set up."""
    return {"transport": world.transport, "policies": [*world.policies(_SCOPE, **_RETRYING), NoticeThrottling()]}


class Slices:
    """Bytes to be sent piece by piece, from the start with every retry; sent whole they would be copied whole."""

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(content)

    def __deepcopy__(self, _memo: Any) -> "Slices":
        return self

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self._content), _SLICE):
            yield bytes(self._content[start : start + _SLICE])


def post(url: str, content: bytes, query: Mapping[str, Any]) -> HttpRequest:
    """A request that sends an image's bytes."""
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(len(content))}
    body = content if len(content) <= _SLICE else Slices(content)
    return HttpRequest("POST", url, params=dict(query), headers=headers, content=body)


@contextmanager
def parsing() -> Generator[None]:
    """Raises Refused where a good answer has another form than the documented one: a second one costs as much again."""
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise Refused("UnexpectedAnswer", f"{type(error).__name__} {error} in an answer of the analyzer") from error


def answer(response: AsyncHttpResponse) -> dict[str, Any]:
    """The JSON of a good answer. Raises Rejected, Refused, or HttpResponseError for a passing trouble."""
    if response.status_code == 200:
        with parsing():
            return dict(response.json())
    error = HttpResponseError(response=response)
    detail = error.error
    inner: Mapping[str, Any] = (detail.innererror if detail else None) or {}
    code = str(inner.get("code") or (detail.code if detail else None) or response.status_code)
    sentence = str(inner.get("message") or (detail.message if detail else None) or error.message)
    if response.status_code == 400 and code in _VERDICTS:
        raise Rejected(code, sentence)
    if response.status_code == 400 and sentence.startswith(_SIZE_VERDICT):
        raise Rejected("InvalidImageSize", sentence)
    if response.status_code in _SET_UP_WRONGLY:
        raise Refused(code, sentence)
    raise error


class Pool[Client]:
    """Several accounts that can do the same, each under its governor; whoever is free first is called.

    Calls are spread evenly over what all accounts answer together: images that are sent together would come back
    together, and then wait for each other's turn on the CPU, again and again (docs/decisions/0008).
    """

    def __init__(
        self,
        clients: Sequence[Client],
        quota: Quota,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._accounts = [(client, Governor(quota, clock())) for client in clients]
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def ready(self) -> None:
        """Raises Later when no account is free for longer than is worth waiting here."""
        now = self._clock()
        self._check(min(self._wait(governor, now) for _, governor in self._accounts), PATIENCE_SECONDS)

    async def call[Result](
        self, send: Callable[[Client], Awaitable[Result]], *, patience: float = PATIENCE_SECONDS
    ) -> Result:
        """What `send` gives for the account that is free first; called again after every 429.

        Raises Later when that would take longer than `patience` seconds.
        """
        until = self._clock() + patience
        while True:
            now = self._clock()
            # Among those that are free alike, any: so many instances use all accounts alike.
            client, governor = min(
                self._accounts,
                key=lambda account: (account[1].wait(now), random.random()),  # noqa: S311 (no secret depends on it)
            )
            wait = self._wait(governor, now)
            self._check(wait, until - now)
            governor.take(now)
            self._next = now + wait + 1 / sum(governor.rate for _, governor in self._accounts)
            await self._sleep(wait)
            started = self._clock()
            try:
                result = await send(client)
            except Throttled as throttled:
                governor.refused(self._clock(), throttled.retry_after)
                measures.add("throttled")
            else:
                governor.answered()
                return result
            finally:
                measures.add("visionCalls")
                measures.add("visionMs", (self._clock() - started) * 1000)

    def _wait(self, governor: Governor, now: float) -> float:
        return max(governor.wait(now), self._next - now)

    @staticmethod
    def _check(wait: float, patience: float) -> None:
        if wait > patience:
            raise Later(wait, "every account of the analyser is throttled")
