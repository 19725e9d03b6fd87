"""JSON over HTTP, with the standard library."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from scripts.ci.errors import PipelineStepError

_TIMEOUT_SECONDS = 60
_JSON = "application/json"


def request_json(
    method: str,
    url: str,
    *,
    token: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
) -> Any:
    """Send a request with a bearer token, and return the response's JSON document; None if the response is empty.

    Args:
        method: The HTTP method.
        url: The absolute URL.
        token: The bearer token. It is never part of an error message.
        body: What is sent as JSON; None sends no body.
        headers: Headers in addition to those for JSON and the token; `Content-Type` can be replaced.

    Raises:
        PipelineStepError: The server cannot be reached, answers with an error, or does not answer with JSON.
    """
    data = None
    if body is not None:
        data = json.dumps(body).encode()
    all_headers = {"Accept": _JSON, "Content-Type": _JSON, "Authorization": f"Bearer {token}", **(headers or {})}
    # The URLs come from the pipeline's own environment.
    request = urllib.request.Request(url, data=data, headers=all_headers, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            content = response.read()
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")[:500]
        raise PipelineStepError(f"{method} {url}: {error.code} {error.reason}: {text}") from error
    except OSError as error:
        raise PipelineStepError(f"{method} {url}: {error}") from error
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError as error:
        # Azure DevOps answers 203 with its sign-in page when a token is not accepted.
        raise PipelineStepError(f"{method} {url}: the response is not JSON; is the token valid?") from error
