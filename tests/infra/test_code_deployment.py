"""Code deployment: requests, how each ending is reported, registered functions, waits, and repeated deployment."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.rest import HttpRequest

from infra.core.errors import CodeDeploymentError
from infra.dynamic.code_deployer import CodeDeployer
from infra.dynamic.code_deployment import _CodeDeploymentProvider
from infra.dynamic.package_revision import _RevisionProvider
from tests.conftest import Recorder

SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app"
FUNCTIONS = ["classify", "reconcile"]
# https://github.com/Azure/azure-functions-core-tools/issues/3008
UNAVAILABLE = {"Code": "BadRequest", "Message": "Encountered an error (ServiceUnavailable) from host runtime."}
NO_HOST = ServiceRequestError("Failed to resolve 'app.scm.azurewebsites.net'")
NO_REPLY = ServiceResponseError("Connection reset by peer")


class Answer:
    """As much of an HTTP response as is looked at; without a body, it is an error page."""

    def __init__(self, status_code: int, body: Any = None) -> None:
        self.status_code = status_code
        self.reason = "because"
        self._body = body

    def json(self) -> Any:
        if self._body is None:
            raise json.JSONDecodeError("no JSON", "<html>", 0)
        return self._body

    def text(self) -> str:
        return json.dumps(self._body)


type AnswerOrError = Answer | Exception
READY, NOT_DEPLOYED = Answer(202, "new"), Answer(404)


def deployment(number: str, status: int, text: str = "", **more: Any) -> Answer:
    return Answer(200, {"id": number, "status": status, "status_text": text, **more})


def listing(*names: str) -> Answer:
    return Answer(200, {"value": [{"properties": {"name": name}} for name in names]})


class Azure:
    """Both services: gives its answers in order, the last one for good, and keeps the requests."""

    def __init__(self, **answers: list[AnswerOrError]) -> None:
        self.requests: list[HttpRequest] = []
        self._answers = {
            "latest": [NOT_DEPLOYED, deployment("new", 4)],
            "publish": [READY],
            "log": [Answer(404)],
            "sync": [Answer(204)],
            "functions": [listing(*FUNCTIONS)],
        } | answers

    def send(self, request: HttpRequest) -> Any:
        self.requests.append(request)
        answers = self._answers[request.url.partition("?")[0].rpartition("/")[2]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def deployer(self) -> CodeDeployer:
        return CodeDeployer(self.send, self.send, timeout_seconds=0.4, first_wait_seconds=0.01)

    def requests_to(self, method: str, ending: str) -> list[HttpRequest]:
        return [
            request
            for request in self.requests
            if request.method == method and request.url.partition("?")[0].endswith(ending)
        ]


@pytest.fixture
def failure() -> Callable[..., str]:
    """The text that a deployment fails with under given answers."""

    def text(**answers: list[AnswerOrError]) -> str:
        with pytest.raises(CodeDeploymentError) as raised:
            Azure(**answers).deployer().deploy(b"zip")
        return str(raised.value)

    return text


@pytest.fixture
def unregistered() -> Callable[..., str]:
    """The text that the check of the functions fails with under given answers."""

    def text(**answers: list[AnswerOrError]) -> str:
        with pytest.raises(CodeDeploymentError) as raised:
            Azure(**answers).deployer().wait_for_functions(SITE, FUNCTIONS)
        return str(raised.value)

    return text


def test_a_package_is_deployed_when_its_own_deployment_has_succeeded() -> None:
    azure = Azure(latest=[deployment("old", 4), deployment("old", 4), deployment("new", 2), deployment("new", 4)])
    azure.deployer().deploy(b"zip")
    (post,) = azure.requests_to("POST", "/api/publish")
    assert post.url == "/api/publish?RemoteBuild=false&Deployer=pulumi"
    assert post.headers["Content-Type"] == "application/zip"
    assert post.content == b"zip"
    assert len(azure.requests_to("GET", "/latest")) == 4


@pytest.mark.parametrize(
    "publish",
    [
        [Answer(404), Answer(503), READY],
        [NO_HOST, READY],
        [Answer(401), Answer(403), READY],  # the deployer's role is not everywhere yet
    ],
    ids=["starting", "no such host yet", "role not propagated"],
)
def test_an_app_or_a_role_that_is_minutes_old_is_waited_for(publish: list[AnswerOrError]) -> None:
    azure = Azure(publish=[*publish], latest=[*[NOT_DEPLOYED] * len(publish), deployment("new", 4)])
    azure.deployer().deploy(b"zip")
    assert len(azure.requests_to("POST", "/api/publish")) == len(publish)


def test_an_old_deployment_is_not_taken_for_the_new_one_when_it_could_not_be_read_at_first() -> None:
    """A status that was refused says nothing about which deployment was the latest."""
    azure = Azure(latest=[Answer(403), NO_HOST, deployment("old", 4)])
    with pytest.raises(CodeDeploymentError, match="no end of the deployment was seen"):
        azure.deployer().deploy(b"zip")


@pytest.mark.parametrize("answer", [NO_REPLY, Answer(504)], ids=["reset", "gateway timeout"])
def test_a_package_whose_answer_was_lost_is_not_deployed_twice(answer: AnswerOrError) -> None:
    azure = Azure(publish=[answer], latest=[deployment("old", 4), deployment("new", 1), deployment("new", 4)])
    azure.deployer().deploy(b"zip")
    assert len(azure.requests_to("POST", "/api/publish")) == 1


def test_a_package_that_did_not_arrive_is_sent_again() -> None:
    azure = Azure(publish=[NO_REPLY, READY])
    old, new = deployment("old", 4), deployment("new", 4)

    def scm(request: HttpRequest) -> Any:
        arrived = len(azure.requests_to("POST", "/api/publish")) == 2
        return azure.send(request) if request.method == "POST" else new if arrived else old

    CodeDeployer(scm, azure.send, timeout_seconds=0.4, first_wait_seconds=0.01).deploy(b"zip")
    assert len(azure.requests_to("POST", "/api/publish")) == 2


@pytest.mark.parametrize("status", [400, 413, 415])
def test_a_package_that_is_refused_ends_it_at_once(failure: Callable[..., str], status: int) -> None:
    text = failure(publish=[Answer(status, "no"), READY])
    assert f"the deployment service refused the package: {status} because" in text


def test_another_deployment_in_progress_ends_it_at_once(failure: Callable[..., str]) -> None:
    text = failure(publish=[Answer(409, "busy"), READY])
    assert "another deployment of this app is in progress (wait for its end): 409" in text
    assert "`pulumi up` again is safe" in text


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        (-1, "was cancelled: why."),
        (3, "failed: why."),
        (5, "was cancelled because another deployment of this app is in progress (wait for its end): why."),
        (6, "succeeded only in part: the package is stored, and a later step"),
        (99, "ended with the unknown status 99: why."),
    ],
)
def test_every_other_ending_ends_it_at_once_with_its_log(failure: Callable[..., str], status: int, ending: str) -> None:
    log = "https://app.scm.azurewebsites.net/api/deployments/latest/log"
    # One status is enough: a second look would find that it succeeded.
    latest = [NOT_DEPLOYED, deployment("new", 1), deployment("new", status, "why.", log_url=log), deployment("new", 4)]
    text = failure(latest=latest, log=[Answer(200, [{"message": f"step {number}"} for number in range(9)])])
    assert text.startswith(f"the deployment new {ending}")
    assert "step 4 | step 5 | step 6 | step 7 | step 8" in text
    assert f"Its log: {log}" in text
    assert "`pulumi up` again is safe" in text


def test_an_app_that_may_not_write_its_package_yet_is_tried_again() -> None:
    """https://github.com/Azure/azure-dev/issues/8026"""
    no = "BlobUploadFailedException: Failed to upload blob: 403\n(This request is not authorized)"
    azure = Azure(latest=[NOT_DEPLOYED, deployment("1", 3, no), deployment("1", 3, no), deployment("2", 4)])
    azure.deployer().deploy(b"zip")
    assert len(azure.requests_to("POST", "/api/publish")) == 2


def test_an_app_that_may_never_write_its_package_is_reported(failure: Callable[..., str]) -> None:
    no = "Azure Storage responded with Forbidden: 403 (This request is not authorized to perform this operation.)"
    endless = [answer for number in range(200) for answer in [deployment(str(number), 3, no)] * 2]
    text = failure(latest=[NOT_DEPLOYED, *endless])
    assert "needs Storage Blob Data Owner on the host's storage account" in text


def test_the_right_to_publish_is_named_when_it_is_missing(failure: Callable[..., str]) -> None:
    assert "The deployer needs Microsoft.Web/sites/publish/Action" in failure(publish=[Answer(403, "no")])
    assert "The deployer needs Microsoft.Web/sites/publish/Action" in failure(latest=[Answer(401)])


def test_a_deployment_without_end_is_reported(failure: Callable[..., str]) -> None:
    text = failure(latest=[NOT_DEPLOYED, deployment("new", 1)])
    assert "no end of the deployment was seen within 0 seconds: 200" in text


def test_functions_are_registered_once_a_sync_succeeded_and_they_are_listed() -> None:
    azure = Azure(
        sync=[Answer(400, UNAVAILABLE), NO_HOST, Answer(403), Answer(204)],
        functions=[*[listing("WarmUp")] * 4, Answer(400, UNAVAILABLE), listing("WarmUp"), listing(*FUNCTIONS)],
    )
    azure.deployer().wait_for_functions(SITE, FUNCTIONS)
    syncs = azure.requests_to("POST", f"{SITE}/host/default/sync")
    assert len(syncs) == len(azure.requests_to("GET", f"{SITE}/functions")) == 7
    assert {request.url.partition("?")[2] for request in azure.requests} == {"api-version=2025-05-01"}


def test_functions_that_are_listed_are_not_enough_without_a_sync(unregistered: Callable[..., str]) -> None:
    """The list may be that of the code before; an unsynchronized queue trigger is never started."""
    text = unregistered(sync=[Answer(400, UNAVAILABLE)])
    assert "Azure's last refusal: 400 because" in text
    assert "Encountered an error (ServiceUnavailable) from host runtime." in text


def test_an_app_that_lists_only_its_placeholder_was_not_synchronized(unregistered: Callable[..., str]) -> None:
    text = unregistered(functions=[listing("WarmUp")])
    assert "(missing: ['classify', 'reconcile'], not expected: ['WarmUp'])" in text
    assert "lists only the placeholder WarmUp because its triggers were not synchronized" in text
    assert "extensionBundle" in text
    assert "`pulumi up` again is safe" in text


@pytest.mark.parametrize("registered", [[], ["classify"], ["classify", "leftover", "reconcile"]])
def test_other_functions_than_expected_fail_the_deployment(
    unregistered: Callable[..., str], registered: list[str]
) -> None:
    text = unregistered(functions=[listing(*registered)])
    assert f"lists the functions {registered}" in text
    assert "placeholder" not in text


def test_the_rights_to_synchronize_and_list_are_named_when_they_are_missing(unregistered: Callable[..., str]) -> None:
    text = unregistered(sync=[Answer(403, "no")])
    assert "needs Microsoft.Web/sites/host/sync/action and Microsoft.Web/sites/functions/read on the app" in text


PROPS = {"sha256": "1", "revision": "r1", "site": SITE, "scm_host": "h", "functions": ["classify"], "package": "a.zip"}


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"sha256": "2"}, True),
        ({"revision": "r2"}, True),
        ({"site": "x"}, True),
        ({"functions": []}, True),
        ({"package": "b.zip"}, False),
        ({}, False),
    ],
)
def test_only_another_content_or_place_is_a_change(change: dict[str, Any], differs: bool) -> None:
    diff: Callable[..., Any] = _CodeDeploymentProvider().diff
    assert diff("id", PROPS, PROPS | change).changes is differs


def test_the_publishing_policies_are_settled_before_the_package_is_sent(dev: Recorder) -> None:
    """They lock the site, and may restart its deployment service (https://github.com/pulumi/pulumi-azure-native/issues/4461)."""
    for app, name in (("app", "code-deployment"), ("api-app", "api-code-deployment")):
        (code_deployment,) = [resource for resource in dev.resources if resource.name == name]
        policies = {f"azure-native:web:WebAppFtpAllowed::{app}-no-ftp-password"}
        policies.add(f"azure-native:web:WebAppScmAllowed::{app}-no-scm-password")
        assert policies <= {f"{policy.type}::{policy.name}" for policy in dev.resources}
        assert policies <= code_deployment.dependencies


def test_going_back_after_a_failed_deployment_is_a_change() -> None:
    """The state is still that of package 1, which is wanted again; package 2 may be what runs."""
    revisions = _RevisionProvider()
    first = dict(revisions.create({"sha256": "1", "revision": None}).outs or {})
    second = dict(revisions.update("id", first, {"sha256": "2", "revision": None}).outs or {})
    assert revisions.diff("id", second, {"sha256": "2", "revision": None}).changes is False
    assert revisions.diff("id", second, {"sha256": "1", "revision": None}).changes is True
    again = dict(revisions.update("id", second, {"sha256": "1", "revision": None}).outs or {})
    deployed = PROPS | {"revision": first["revision"]}
    assert _CodeDeploymentProvider().diff("id", deployed, PROPS | {"revision": again["revision"]}).changes is True


def test_the_revision_is_stored_before_the_package_is_sent(dev: Recorder) -> None:
    (code_deployment,) = [resource for resource in dev.resources if resource.name == "code-deployment"]
    (revision,) = [resource for resource in dev.resources if resource.name == "code-deployment-package-revision"]
    assert f"{revision.type}::{revision.name}" in code_deployment.dependencies
    assert revision.inputs["sha256"] == code_deployment.inputs["sha256"]
