"""Calls to Azure AI services: several accounts, each as fast as its governor says; what their refusals mean."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse, HttpRequest

from classifier.adapters.azure_clients import World
from classifier.adapters.service_errors import retry_after_seconds, service_error
from classifier.domain import metrics as measures
from classifier.domain import timeouts
from classifier.domain.circuit_breaker import CircuitBreaker
from classifier.domain.errors import (
    AccessDeniedError,
    AnalyzerConfigurationError,
    ConfigurationError,
    ImageRejectedError,
    PipelineError,
    RetryLaterError,
    ThrottledError,
    UnexpectedResponseError,
)
from classifier.domain.rate_limiter import Governor, Quota

_SERVICE = "the analyzer"
# A call that fails is repeated so often at once, at another account if there is one.
_RETRIES, _RETRY_SECONDS = 2, 0.5
_SLICE = 256 * 1024
_SCOPE = "https://cognitiveservices.azure.com/.default"
# What the services answer about an image that no retry will change, as inner codes of a 400:
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
# The size of a file is refused without an inner code:
# https://learn.microsoft.com/answers/questions/1688452/image-analysis-error-code-may-be-missing-when-inpu
_SIZE_SENTENCE, _SIZE_CODE = "The image size is not allowed", "InvalidImageSize"
# What the services answer to a request that was made up wrongly, whatever its image.
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
# Of a request with a feature that the region lacks, or with another content type, without an inner code.
_REQUEST_SENTENCE = "is not supported"
# Neither the image's fault nor transient: what was configured does not exist, such as a project or its iteration.
_NOT_THERE = frozenset({404, 405, 415})


def client_options(world: World) -> dict[str, Any]:
    """How every client of an AI service is set up; `Pool` does the retries, for it knows the other accounts."""
    return {"transport": world.transport, "policies": world.policies(_SCOPE, retry_total=0)}


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


def answer(response: AsyncHttpResponse) -> dict[str, Any]:
    """The JSON of a good answer.

    Raises ImageRejectedError, ConfigurationError, ThrottledError, UnexpectedResponseError, or HttpResponseError for
    what `service_error` knows.
    """
    if response.status_code == 200:
        try:
            return response.json()
        except ValueError as error:
            raise UnexpectedResponseError("UnexpectedResponse", f"{_SERVICE} answered no JSON: {error}") from error
    if response.status_code == 429:
        after = retry_after_seconds(response.headers)
        raise ThrottledError("the account is throttled", retry_after_seconds=after or 1.0)
    error = HttpResponseError(response=response)
    detail = error.error
    inner: Mapping[str, Any] = (detail.innererror if detail else None) or {}
    code = str(inner.get("code") or (detail.code if detail else None) or response.status_code)
    sentence = str(inner.get("message") or (detail.message if detail else None) or error.message)
    if response.status_code in _NOT_THERE:
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


def reading[Result](read: Callable[[], Result]) -> Result:
    """What `read` makes of a good answer. Raises UnexpectedResponseError: the call is paid for, whatever it holds."""
    try:
        return read()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        sentence = f"{_SERVICE} answered what cannot be read: {type(error).__name__} {json.dumps(str(error))}"
        raise UnexpectedResponseError("UnexpectedResponse", sentence) from error


class Pool[Client]:
    """Several accounts that can do the same, each under its governor; whoever is free first is called.

    Calls are spread evenly over what all accounts answer together: images that are sent together would come back
    together, and then wait for each other's turn on the CPU, again and again (docs/decisions/0008). When the accounts
    fail in a row, one breaker for all of them stops the calls: each instance finds out by itself, and with a breaker
    for each account the calls of an outage would be as many times more.
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
        self._breaker = CircuitBreaker(_SERVICE, clock=clock)
        self._clock = clock
        self._sleep = sleep
        self._next = clock()

    def ready(self) -> None:
        """Raises RetryLaterError or ConfigurationError when no call is worth waiting for here."""
        self._breaker.check()
        now = self._clock()
        wait = min(self._wait(governor, now) for _, governor in self._accounts)
        self._check(wait, timeouts.ACCOUNT_WAIT_SECONDS)

    async def call[Result](self, send: Callable[[Client], Awaitable[Result]], *, paid: bool = False) -> Result:
        """What `send` gives for the account that is free first; called again after every 429, and after two failures.

        `paid` is for an image whose other call is paid for: it is worth waiting for. Raises RetryLaterError when that
        would take too long, and what `send` raises.
        """
        until = self._clock() + (timeouts.PAID_ACCOUNT_WAIT_SECONDS if paid else timeouts.ACCOUNT_WAIT_SECONDS)
        failed: list[Client] = []
        while True:
            if paid and 0 < self._breaker.wait_seconds < until - self._clock():
                await self._sleep(self._breaker.wait_seconds)
            client, governor = await self._turn(until, failed)
            self._breaker.check()
            self._breaker.reserve()
            try:
                result = await self._send(send, client)
            except ThrottledError as error:
                governor.refused(self._clock(), error.retry_after_seconds)
                measures.add("throttled")
            except (RetryLaterError, ConfigurationError) as error:
                failed.append(client)
                if not isinstance(error, AnalyzerConfigurationError):
                    self._breaker.on_failure(error)
                if not self._is_repeated(error, failed):
                    raise
                await self._sleep(_RETRY_SECONDS * 2 ** len(failed))
            except PipelineError:
                self._breaker.on_success()  # it answered
                raise
            else:
                governor.answered()
                self._breaker.on_success()
                return result

    async def _send[Result](self, send: Callable[[Client], Awaitable[Result]], client: Client) -> Result:
        """One call, measured; what the SDK raises as an error of the pipeline."""
        started = self._clock()
        try:
            return await send(client)
        except PipelineError:
            raise
        except Exception as error:
            mapped = service_error(error, _SERVICE)
            if mapped is None:
                raise
            raise mapped from error
        finally:
            measures.add("visionCalls")
            measures.add("visionMs", (self._clock() - started) * 1000)

    def _is_repeated(self, error: PipelineError, failed: Sequence[Client]) -> bool:
        """Whether a failed call is worth repeating now: a refusal only at an account that has not refused yet."""
        if len(failed) > _RETRIES:
            return False
        if isinstance(error, AccessDeniedError | ConfigurationError):
            return len(failed) < len(self._accounts) and not isinstance(error, AnalyzerConfigurationError)
        return True

    async def _turn(self, until: float, failed: Sequence[Client]) -> tuple[Client, Governor]:
        """The account that is free first, when its turn has come; one that failed only if there is no other."""
        now = self._clock()
        accounts = [account for account in self._accounts if account[0] not in failed] or self._accounts
        # Among those that are free alike, any: so many instances use all accounts alike.
        client, governor = min(
            accounts,
            key=lambda account: (account[1].wait(now), random.random()),  # noqa: S311 (no secret depends on it)
        )
        wait = self._wait(governor, now)
        self._check(wait, until - now)
        governor.take(now)
        self._next = now + wait + 1 / sum(governor.rate for _, governor in self._accounts)
        await self._sleep(wait)
        return client, governor

    def _wait(self, governor: Governor, now: float) -> float:
        return max(governor.wait(now), self._next - now)

    @staticmethod
    def _check(wait: float, longest: float) -> None:
        if wait > longest:
            raise ThrottledError("every account of the analyzer is throttled", retry_after_seconds=wait)
