"""HTTP client for requests that azure-native has no resource for, sent with the deployer's own identity."""

import time
from collections.abc import Callable
from typing import Any

from azure.core import PipelineClient
from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_exponential

RESOURCE_MANAGER = "https://management.azure.com"
_TOKEN_SCOPE = f"{RESOURCE_MANAGER}/.default"
_LONGEST_WAIT_SECONDS = 15

SendRequest = Callable[[HttpRequest], HttpResponse]


def authenticated_client(base_url: str = RESOURCE_MANAGER, *, token_scope: str = _TOKEN_SCOPE) -> SendRequest:
    """Return a function that sends requests with relative URLs to `base_url`, with a token for `token_scope`.

    The token is fetched when the first request is sent, and never stored.
    """
    # Imported here because a preview sends nothing, and takes a third of a second less without it.
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415

    policies: list[Any] = [RetryPolicy(), BearerTokenCredentialPolicy(DefaultAzureCredential(), token_scope)]
    client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(base_url, policies=policies)

    def send(request: HttpRequest) -> HttpResponse:
        request.url = client.format_url(request.url)
        # azure-core repeats a POST after 500, 503 and 504, although the service may have acted on it.
        retries = {"retry_total": 0} if request.method == "POST" else {}
        return client.send_request(request, stream=False, **retries)

    return send


def error_summary(response: HttpResponse) -> str:
    """Status, reason and the first 500 characters of the body, in one line."""
    return f"{response.status_code} {response.reason}: {response.text()[:500]}"


def poll_until[Result](
    poll: Callable[[], Result],
    is_done: Callable[[Result], bool],
    *,
    timeout_seconds: float,
    first_wait_seconds: float = 1,
) -> Result:
    """Call `poll` until `is_done` accepts its result, with increasing waits of at most 15 seconds.

    Returns:
        The last result, also when the time is up: the caller describes what was wrong with it.
    """
    retrying = Retrying(
        retry=retry_if_result(lambda result: not is_done(result)),
        wait=wait_exponential(multiplier=first_wait_seconds, max=_LONGEST_WAIT_SECONDS),
        stop=stop_after_delay(timeout_seconds),
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        sleep=time.sleep,
    )
    return retrying(poll)
