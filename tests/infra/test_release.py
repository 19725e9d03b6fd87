"""Shipping: what is sent, what counts as live, and what is refused with a reason."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from infra.release import Publisher, ReleaseError, _ReleaseProvider

SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app"


class Answer:
    """As much of an HTTP response as is looked at."""

    def __init__(self, status_code: int, body: Any = None) -> None:
        self.status_code = status_code
        self.reason = "because"
        self._body = body

    def json(self) -> Any:
        return self._body

    def text(self) -> str:
        return json.dumps(self._body)


class Service:
    """A deployment service that goes through the given answers, and remembers what was asked."""

    def __init__(self, *, publish: list[Answer], latest: list[Answer], functions: list[list[str]]) -> None:
        self.asked: list[HttpRequest] = []
        self._publish, self._latest, self._functions = publish, latest, functions

    def scm(self, request: HttpRequest) -> Any:
        self.asked.append(request)
        answers = self._publish if request.method == "POST" else self._latest
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def management(self, request: HttpRequest) -> Any:
        self.asked.append(request)
        names = self._functions.pop(0) if len(self._functions) > 1 else self._functions[0]
        return Answer(200, {"value": [{"properties": {"name": name}} for name in names]})

    def publisher(self) -> Publisher:
        return Publisher(self.scm, self.management, timeout_seconds=0.3, first_wait_seconds=0.01)


def deployment(number: str, status: int, text: str = "") -> Answer:
    return Answer(200, {"id": number, "status": status, "status_text": text})


def test_a_package_is_live_when_its_own_deployment_has_succeeded() -> None:
    service = Service(
        publish=[Answer(202)],
        latest=[deployment("old", 4), deployment("old", 4), deployment("new", 1), deployment("new", 4)],
        functions=[[]],
    )
    service.publisher().publish(b"zip")
    (post,) = [request for request in service.asked if request.method == "POST"]
    assert post.url == "/api/publish?RemoteBuild=false&Deployer=pulumi"
    assert post.headers["Content-Type"] == "application/zip"
    assert post.content == b"zip"


def test_a_site_that_is_still_starting_is_waited_for() -> None:
    service = Service(
        publish=[Answer(404), Answer(503), Answer(202)], latest=[Answer(404), deployment("new", 4)], functions=[[]]
    )
    service.publisher().publish(b"zip")
    assert len([request for request in service.asked if request.method == "POST"]) == 3


@pytest.mark.parametrize(
    ("publish", "latest", "said"),
    [
        ([Answer(403, "no")], [Answer(404)], "refused the package: 403"),
        ([Answer(202)], [Answer(404), deployment("new", 3, "disk full")], "did not succeed: disk full"),
        ([Answer(202)], [deployment("old", 4)], "did not succeed"),
    ],
)
def test_what_goes_wrong_is_said(publish: list[Answer], latest: list[Answer], said: str) -> None:
    service = Service(publish=publish, latest=latest, functions=[[]])
    with pytest.raises(ReleaseError, match=said):
        service.publisher().publish(b"zip")


def test_functions_may_take_a_moment_to_register() -> None:
    service = Service(publish=[Answer(202)], latest=[Answer(404)], functions=[[], ["classify"]])
    service.publisher().check(SITE, ["classify"])


@pytest.mark.parametrize("registered", [[], ["classify", "leftover"]])
def test_other_functions_than_expected_fail_the_release(registered: list[str]) -> None:
    service = Service(publish=[Answer(202)], latest=[Answer(404)], functions=[registered])
    with pytest.raises(ReleaseError, match="not \\['classify'\\]"):
        service.publisher().check(SITE, ["classify"])


PROPS = {"sha256": "1", "site": SITE, "scm_host": "h", "functions": ["classify"], "package": "a.zip"}


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"sha256": "2"}, True),
        ({"site": "x"}, True),
        ({"functions": []}, True),
        ({"package": "b.zip"}, False),
        ({}, False),
    ],
)
def test_only_another_content_or_place_is_a_change(change: dict[str, Any], differs: bool) -> None:
    diff: Callable[..., Any] = _ReleaseProvider().diff
    assert diff("id", PROPS, PROPS | change).changes is differs
