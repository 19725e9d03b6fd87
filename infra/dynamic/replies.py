"""Replies: what a service answered to a request, or why it did not, as a value."""

from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.rest import HttpRequest

from infra.dynamic.arm_client import Send, describe


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The answer to a request, or why there was none (`status_code` 0)."""

    status_code: int
    summary: str
    content: Any = None
    # Whether the service may have acted on the request all the same.
    undecided: bool = False

    @property
    def ok(self) -> bool:
        """Whether the service did what was requested."""
        return 200 <= self.status_code < 300

    @property
    def unauthorized(self) -> bool:
        """Whether the service refused the deployer, who may get the right for it within minutes."""
        return self.status_code in {401, 403}

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later: the app, or a role, is minutes old, or the service is busy."""
        return self.unauthorized or self.status_code in {0, 404, 408, 429} or self.status_code >= 500


def exchange(send: Send, request: HttpRequest) -> Reply:
    """Sends `request` once. A host name that does not exist yet, or a lost connection, is an answer as well."""
    try:
        response = send(request)
    except ServiceRequestError as error:
        return Reply(status_code=0, summary=f"nothing could be sent: {error}")
    except ServiceResponseError as error:
        return Reply(status_code=0, summary=f"the connection ended without an answer: {error}", undecided=True)
    try:
        content = response.json()
    except ValueError:  # an error page, or nothing at all
        content = None
    return Reply(
        status_code=response.status_code,
        summary=describe(response),
        content=content,
        undecided=response.status_code in {500, 502, 504},
    )


def reason(reply: Reply, actions: str) -> str:
    """What the service answered and, when it refused the deployer, which right that lacks."""
    if not reply.unauthorized:
        return f": {reply.summary}"
    return f": {reply.summary}. The deployer needs {actions} on the app, and a new role can take ten minutes"
