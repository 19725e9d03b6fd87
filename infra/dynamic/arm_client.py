"""Management: requests that azure-native has no resource for, sent with the deployer's own identity."""

import time
from collections.abc import Callable
from typing import Any

from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

RESOURCE_MANAGER = "https://management.azure.com"
_SCOPE = f"{RESOURCE_MANAGER}/.default"

Send = Callable[[HttpRequest], HttpResponse]


def sender(base_url: str = RESOURCE_MANAGER) -> Send:
    """Sends requests with relative URLs to `base_url`; the token is fetched when it is needed, and never stored."""
    # Imported when somebody signs in: a preview sends nothing, and is a third of a second quicker without it.
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415

    policies: list[Any] = [RetryPolicy(), BearerTokenCredentialPolicy(DefaultAzureCredential(), _SCOPE)]
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(base_url, policies=policies)

    def send(request: HttpRequest) -> HttpResponse:
        request.url = client.format_url(request.url)
        # azure-core repeats a POST after 500, 503 and 504, although the service may have acted on it.
        attempts = {"retry_total": 0} if request.method == "POST" else {}
        return client.send_request(request, stream=False, **attempts)

    return send


def describe(response: HttpResponse) -> str:
    """A refusal in one line."""
    return f"{response.status_code} {response.reason}: {response.text()[:500]}"


def until[Answer](
    ask: Callable[[], Answer], done: Callable[[Answer], bool], *, seconds: float, first_wait: float = 1
) -> Answer:
    """Asks until `done`, and gives the last answer even when time is up: the caller says what was wrong with it."""
    retrying = Retrying(
        retry=retry_if_result(lambda answer: not done(answer)),
        wait=wait_exponential(multiplier=first_wait, max=15),
        stop=stop_after_delay(seconds),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        sleep=time.sleep,
    )
    return retrying(ask)
