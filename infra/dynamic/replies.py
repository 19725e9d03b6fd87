"""Reply of a service to one request, or the reason why there was none, as a value."""

from dataclasses import dataclass
from typing import Any

from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.rest import HttpRequest

from infra.dynamic.arm_client import SendRequest, error_summary


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Reply of a service.

    Attributes:
        status_code: HTTP status; 0 when there was no reply.
        summary: Status and beginning of the body, or why there was no reply.
        content: The body, decoded from JSON; None when it is not JSON.
        outcome_unknown: The service may have acted on the request although it did not confirm that.
    """

    status_code: int
    summary: str
    content: Any = None
    outcome_unknown: bool = False

    @property
    def ok(self) -> bool:
        """Whether the service confirmed that it did what was requested."""
        return 200 <= self.status_code < 300

    @property
    def unauthorized(self) -> bool:
        """Whether the service refused the deployer, whose role assignment may become effective within minutes."""
        return self.status_code in {401, 403}

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later: the app or a role is new, or the service is busy."""
        return self.unauthorized or self.status_code in {0, 404, 408, 429} or self.status_code >= 500


def send_once(send: SendRequest, request: HttpRequest) -> Reply:
    """Send `request` once; an unknown host name and a lost connection are replies too."""
    try:
        response = send(request)
    except ServiceRequestError as error:
        return Reply(status_code=0, summary=f"nothing could be sent: {error}")
    except ServiceResponseError as error:
        return Reply(status_code=0, summary=f"the connection ended without an answer: {error}", outcome_unknown=True)
    try:
        content = response.json()
    except ValueError:  # an error page, or an empty body
        content = None
    return Reply(
        status_code=response.status_code,
        summary=error_summary(response),
        content=content,
        outcome_unknown=response.status_code in {500, 502, 504},
    )


def failure_reason(reply: Reply, required_actions: str) -> str:
    """The reply's summary and, when the service refused the deployer, the actions that the deployer needs."""
    if not reply.unauthorized:
        return f": {reply.summary}"
    return f": {reply.summary}. The deployer needs {required_actions} on the app, and a new role can take ten minutes"
