"""What a reply of a service means, status by status, and how a refusal is reported."""

from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.rest import HttpRequest

from infra.dynamic.replies import Reply, failure_reason, send_once

REQUEST = HttpRequest("GET", "/x")


class Response:
    """As much of a response as is looked at; `body` None is an error page."""

    def __init__(self, status_code: int, body: Any, text: str = "text") -> None:
        self.status_code = status_code
        self.reason = "because"
        self._body = body
        self._text = text

    def json(self) -> Any:
        if self._body is None:
            raise ValueError("no JSON")
        return self._body

    def text(self) -> str:
        return self._text


def reply_to(status_code: int, body: Any = None, text: str = "text") -> Reply:
    def send(request: HttpRequest) -> Any:
        assert request is REQUEST
        return Response(status_code, body, text)

    return send_once(send, REQUEST)


@pytest.mark.parametrize(("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (300, False)])
def test_a_success_is_any_status_of_the_two_hundreds(status: int, *, ok: bool) -> None:
    assert reply_to(status).ok is ok


@pytest.mark.parametrize(
    ("status", "unauthorized", "transient", "outcome_unknown"),
    [
        (400, False, False, False),
        (401, True, True, False),
        (402, False, False, False),
        (403, True, True, False),
        (404, False, True, False),
        (405, False, False, False),
        (407, False, False, False),
        (408, False, True, False),
        (409, False, False, False),
        (413, False, False, False),
        (428, False, False, False),
        (429, False, True, False),
        (430, False, False, False),
        (499, False, False, False),
        (500, False, True, True),
        (501, False, True, False),
        (502, False, True, True),
        (503, False, True, False),
        (504, False, True, True),
        (505, False, True, False),
    ],
)
def test_which_refusals_may_pass(status: int, *, unauthorized: bool, transient: bool, outcome_unknown: bool) -> None:
    reply = reply_to(status)
    assert reply.unauthorized is unauthorized
    assert reply.transient is transient
    assert reply.outcome_unknown is outcome_unknown


@pytest.mark.parametrize("status", [200, 202, 302])
def test_an_answer_that_is_no_error_does_not_pass(status: int) -> None:
    assert not reply_to(status).transient
    assert not reply_to(status).outcome_unknown


def test_an_answer_is_summarized_and_its_json_kept() -> None:
    assert reply_to(200, {"a": 1}) == Reply(status_code=200, summary="200 because: text", content={"a": 1})
    assert reply_to(400) == Reply(status_code=400, summary="400 because: text", content=None)
    assert reply_to(400, text="x" * 501).summary == f"400 because: {'x' * 500}"


@pytest.mark.parametrize(
    ("error", "summary", "outcome_unknown"),
    [
        (ServiceRequestError("no such host"), "nothing could be sent: no such host", False),
        (ServiceResponseError("reset"), "the connection ended without an answer: reset", True),
    ],
)
def test_a_lost_connection_is_an_answer_too(error: Exception, summary: str, *, outcome_unknown: bool) -> None:
    def send(_request: HttpRequest) -> Any:
        raise error

    reply = send_once(send, REQUEST)
    assert reply == Reply(status_code=0, summary=summary, outcome_unknown=outcome_unknown)
    assert (reply.ok, reply.transient) == (False, True)


def test_a_missing_right_is_named_and_nothing_else_is() -> None:
    assert failure_reason(reply_to(409), "Some/action") == ": 409 because: text"
    for status in (401, 403):
        assert failure_reason(reply_to(status), "Some/action") == (
            f": {status} because: text. The deployer needs Some/action on the app, and a new role can take ten minutes"
        )
