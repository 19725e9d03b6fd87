"""What a user reads when a deployment failed: the end of its log, and the functions that are listed."""

import json
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from infra.core.errors import CodeDeploymentError
from infra.dynamic.code_deployer import CodeDeployer
from infra.dynamic.one_deploy_client import OneDeployClient

REMEDY = "Running `pulumi up` again is safe: it deploys the package again"


class Response:
    def __init__(self, status_code: int, body: Any) -> None:
        self.status_code = status_code
        self.reason = "OK"
        self._body = body

    def json(self) -> Any:
        return self._body

    def text(self) -> str:
        return json.dumps(self._body)


class Service:
    """Answers by path; a list is answered in order, its last entry for good."""

    def __init__(self, **answers: list[Any]) -> None:
        self._answers = answers

    def send(self, request: HttpRequest) -> Any:
        answers = self._answers[request.url.partition("?")[0].rpartition("/")[2]]
        return Response(*(answers.pop(0) if len(answers) > 1 else answers[0]))


def problem(messages: list[str]) -> str:
    """How a deployment with these messages in its log failed."""
    service = Service(
        latest=[(404, None), (200, {"id": "new", "status": 3, "log_url": "https://app/log"})],
        publish=[(202, "new")],
        log=[(200, [{"message": message} for message in messages])],
    )
    return OneDeployClient(service.send, timeout_seconds=10, first_wait_seconds=0).deploy(b"zip").problem


def test_the_last_five_messages_of_the_log_are_quoted() -> None:
    assert problem(["a", "b", "c", "d", "e", "f"]) == (
        "the deployment new failed: b | c | d | e | f. Its log: https://app/log"
    )


@pytest.mark.parametrize(
    ("message", "quoted"),
    [("a" + "x" * 999, "a" + "x" * 999), ("ab" + "x" * 999, "b" + "x" * 999)],
    ids=["1000 characters", "1001 characters"],
)
def test_the_last_thousand_characters_of_the_log_are_quoted(message: str, quoted: str) -> None:
    assert problem([message]) == f"the deployment new failed: {quoted}. Its log: https://app/log"


def test_a_failed_registration_is_one_text_of_sentences() -> None:
    service = Service(sync=[(200, None)], functions=[(200, {"value": [{"properties": {"name": "WarmUp"}}]})])
    deployer = CodeDeployer(service.send, service.send, timeout_seconds=0, first_wait_seconds=0)
    with pytest.raises(CodeDeploymentError) as error:
        deployer.wait_for_functions("/sites/app", ["classify"])
    assert str(error.value) == (
        "/sites/app lists the functions ['WarmUp'] after 0 seconds (missing: ['classify'], not expected: ['WarmUp'])."
        " It lists only the placeholder WarmUp because its triggers were not synchronized with the package: no queue"
        " trigger is started until they are (POST <app>/host/default/sync). Check the app's traces in Application"
        " Insights for errors of the host's start, that host.json declares an extensionBundle, and that the package"
        f" holds its dependencies. {REMEDY}"
    )
