"""The dynamic provider of code deployments against both services, reached through the deployer's HTTP pipeline.

The services look at method, URL and headers: what goes anywhere else is an error of the test.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, override

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from pulumi.runtime import mocks

from infra.core.errors import CodeDeploymentError
from infra.dynamic.code_deployment import _CodeDeploymentProvider
from infra.dynamic.package_revision import _RevisionProvider
from tests.conftest import Recorder, run_program
from tests.infra import test_code_deployment
from tests.infra.clock import Clock

SITE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/app"
MANAGEMENT = f"https://management.azure.com{SITE}"
SCM = "https://app.scm.example"
LATEST = ("GET", f"{SCM}/api/deployments/latest")
LOG = ("GET", f"{SCM}/api/deployments/latest/log")
PUBLISH = ("POST", f"{SCM}/api/publish?RemoteBuild=false&Deployer=pulumi")
SYNC = ("POST", f"{MANAGEMENT}/host/default/sync?api-version=2025-05-01")
FUNCTIONS = ("GET", f"{MANAGEMENT}/functions?api-version=2025-05-01")

type Route = tuple[str, str]


class Answer(test_code_deployment.Answer):
    """What the policies of azure-core look at as well."""

    def __init__(self, status_code: int, body: Any = None) -> None:
        super().__init__(status_code, body)
        self.headers: dict[str, str] = {}

    def read(self) -> bytes:
        return self.text().encode()


def deployment(number: str, status: int) -> Answer:
    return Answer(200, {"id": number, "status": status})


class Services:
    """The deployment service and Azure Resource Manager: the answers of each route, of which the last one stays."""

    def __init__(self, **changed: list[Answer]) -> None:
        names = {"latest": LATEST, "log": LOG, "publish": PUBLISH, "sync": SYNC, "functions": FUNCTIONS}
        answers = {
            "latest": [Answer(404), deployment("new", 4)],
            "log": [Answer(404)],
            "publish": [Answer(202, "new")],
            "sync": [Answer(204)],
            "functions": [Answer(200, {"value": [{"properties": {"name": "classify"}}]})],
        } | changed
        self._answers = {names[name]: [*replies] for name, replies in answers.items()}
        self.requests: list[HttpRequest] = []

    def __call__(self, request: HttpRequest, **_options: Any) -> Answer:
        self.requests.append(request)
        answers = self._answers[request.method, request.url]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @property
    def routes(self) -> list[Route]:
        return [(request.method, request.url) for request in self.requests]


class Credential:
    """Gives a token that says what it is for."""

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(f"token for {' '.join(scopes)}", 2**31)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr("azure.identity.DefaultAzureCredential", Credential)
    monkeypatch.setattr(RequestsTransport, "sleep", lambda _self, _seconds: None)
    return Clock(monkeypatch)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> Callable[..., Services]:
    """Puts services with the given answers in the place of Azure."""
    assert clock.waits == []

    def start(**changed: list[Answer]) -> Services:
        services = Services(**changed)
        monkeypatch.setattr(RequestsTransport, "send", services)
        return services

    return start


@pytest.fixture
def props(tmp_path: Path) -> dict[str, Any]:
    package = tmp_path / "package.zip"
    package.write_bytes(b"PK the package")
    return {
        "site": SITE,
        "scm_host": "app.scm.example",
        "package": package.as_posix(),
        "sha256": "1",
        "revision": "r1",
        "functions": ["classify"],
    }


ROUTES = [LATEST, PUBLISH, LATEST, SYNC, FUNCTIONS]


def test_create_deploys_the_package_and_then_checks_the_functions(
    serve: Callable[..., Services], props: dict[str, Any]
) -> None:
    services = serve()
    created = _CodeDeploymentProvider().create(props)
    assert (created.id, created.outs) == (f"{SITE}/code-deployment", props)
    assert services.routes == ROUTES
    publish = services.requests[1]
    assert publish.content == b"PK the package"
    assert publish.headers["Content-Type"] == "application/zip"
    assert {request.headers["Authorization"] for request in services.requests} == {
        "Bearer token for https://management.azure.com/.default"
    }


def test_update_deploys_the_new_package(serve: Callable[..., Services], props: dict[str, Any]) -> None:
    services = serve()
    updated = _CodeDeploymentProvider().update(
        "id", props | {"scm_host": "old", "site": "old", "package": "old"}, props
    )
    assert updated.outs == props
    assert services.routes == ROUTES
    assert services.requests[1].content == b"PK the package"


def test_delete_leaves_the_app_alone(serve: Callable[..., Services], props: dict[str, Any]) -> None:
    """The app is deleted with its code; there is nothing to withdraw."""
    services = serve()
    _CodeDeploymentProvider().delete("id", props)
    assert services.routes == []


@pytest.mark.parametrize("status", [200, 202])
def test_a_package_that_is_taken_is_followed(
    serve: Callable[..., Services], props: dict[str, Any], status: int, clock: Clock
) -> None:
    in_progress = [deployment("new", status) for status in (0, 1, 2)]
    serve(publish=[Answer(status, "new")], latest=[deployment("old", 4), *in_progress, deployment("new", 4)])
    _CodeDeploymentProvider().create(props)
    assert clock.waits == [1, 2, 4]


@pytest.mark.parametrize("status", [404, 408, 429, 503])
def test_a_service_that_is_not_ready_is_sent_the_package_again(
    serve: Callable[..., Services], props: dict[str, Any], status: int
) -> None:
    services = serve(publish=[Answer(status), Answer(202)], latest=[Answer(404), Answer(404), deployment("new", 4)])
    _CodeDeploymentProvider().create(props)
    assert services.routes.count(PUBLISH) == 2


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_package_that_may_have_been_taken_is_not_sent_twice(
    serve: Callable[..., Services], props: dict[str, Any], status: int
) -> None:
    services = serve(publish=[Answer(status)], latest=[Answer(404), Answer(404), deployment("new", 4)])
    _CodeDeploymentProvider().create(props)
    assert services.routes.count(PUBLISH) == 1


def test_a_package_whose_deployment_never_begins_is_sent_again_after_half_a_minute(
    serve: Callable[..., Services], props: dict[str, Any], clock: Clock
) -> None:
    serve(publish=[Answer(502), Answer(400)], latest=[deployment("old", 4)])
    with pytest.raises(CodeDeploymentError, match="refused the package: 400"):
        _CodeDeploymentProvider().create(props)
    # A twentieth of the ten minutes: until 31 seconds have passed, then the pause before the second attempt.
    assert clock.waits == [1, 2, 4, 8, 15, 1]


@pytest.mark.parametrize("status", [400, 409, 413])
def test_a_package_that_is_refused_ends_it_without_a_wait(
    serve: Callable[..., Services], props: dict[str, Any], status: int, clock: Clock
) -> None:
    services = serve(publish=[Answer(status, "no")])
    with pytest.raises(CodeDeploymentError, match=f": {status} because: "):
        _CodeDeploymentProvider().create(props)
    assert services.routes == [LATEST, PUBLISH]
    assert clock.waits == []


@pytest.mark.parametrize("status", [-1, 3, 5, 6, 99])
def test_a_deployment_that_ends_otherwise_is_noticed_when_it_ends(
    serve: Callable[..., Services], props: dict[str, Any], status: int, clock: Clock
) -> None:
    services = serve(latest=[Answer(404), deployment("new", 1), deployment("new", status), deployment("new", 4)])
    with pytest.raises(CodeDeploymentError, match="the deployment new"):
        _CodeDeploymentProvider().create(props)
    assert services.routes == [LATEST, PUBLISH, LATEST, LATEST, LOG]
    assert clock.waits == [1]


def test_a_deployment_without_end_is_given_up_after_ten_minutes(
    serve: Callable[..., Services], props: dict[str, Any], clock: Clock
) -> None:
    serve(latest=[Answer(404), deployment("new", 1)])
    with pytest.raises(CodeDeploymentError, match="no end of the deployment was seen within 600 seconds"):
        _CodeDeploymentProvider().create(props)
    assert clock.waits[:6] == [1, 2, 4, 8, 15, 15]
    assert 600 <= sum(clock.waits) < 615


def test_functions_that_are_never_listed_are_given_up_after_ten_minutes(
    serve: Callable[..., Services], props: dict[str, Any], clock: Clock
) -> None:
    services = serve(functions=[Answer(200, {"value": []})])
    with pytest.raises(CodeDeploymentError, match=r"lists the functions \[\] after 600 seconds"):
        _CodeDeploymentProvider().create(props)
    assert 600 <= sum(clock.waits) < 615
    assert services.routes.count(SYNC) == services.routes.count(FUNCTIONS) == len(clock.waits) + 1


def test_functions_that_are_listed_already_wait_for_a_sync_that_succeeds(
    serve: Callable[..., Services], props: dict[str, Any]
) -> None:
    services = serve(sync=[Answer(503), Answer(403), Answer(204)])
    _CodeDeploymentProvider().create(props)
    assert services.routes.count(SYNC) == 3


def test_missing_and_unexpected_functions_are_distinguished(
    serve: Callable[..., Services], props: dict[str, Any]
) -> None:
    functions = [{"properties": {"name": name}} for name in ("reconcile", "leftover", "classify")]
    serve(functions=[Answer(200, {"value": functions})])
    with pytest.raises(CodeDeploymentError) as failure:
        _CodeDeploymentProvider().create(props | {"functions": ["classify", "redrive"]})
    assert (
        "lists the functions ['classify', 'leftover', 'reconcile'] after 600 seconds"
        " (missing: ['redrive'], not expected: ['leftover', 'reconcile'])"
    ) in str(failure.value)


def test_functions_of_a_list_that_was_refused_do_not_count(
    serve: Callable[..., Services], props: dict[str, Any]
) -> None:
    functions = {"value": [{"properties": {"name": "classify"}}]}
    services = serve(functions=[Answer(403, functions), Answer(200, functions)])
    _CodeDeploymentProvider().create(props)
    assert services.routes.count(FUNCTIONS) == 2


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"sha256": "2"}, True),
        ({"revision": "r2"}, True),
        ({"site": "other"}, True),
        ({"scm_host": "other"}, True),
        ({"functions": ["classify", "more"]}, True),
        ({"package": "elsewhere.zip"}, False),
    ],
)
def test_what_is_deployed_and_where_to_is_a_change(
    props: dict[str, Any], change: dict[str, Any], *, differs: bool
) -> None:
    diff = _CodeDeploymentProvider().diff("id", props, props | change)
    assert diff.changes is differs
    assert not diff.replaces


def test_the_inputs_are_the_app_the_package_and_the_functions(dev: Recorder) -> None:
    (deployed,) = [resource for resource in dev.resources if resource.name == "code-deployment"]
    inputs = {key: value for key, value in deployed.inputs.items() if key != "__provider"}
    package, sha256 = inputs.pop("package"), inputs.pop("sha256")
    assert inputs == {
        "site": "/azure-native:web:WebApp::app-site",
        "scm_host": "scm.example",
        "functions": ["backfill", "classify", "delete_image", "reconcile", "redrive"],
    }
    assert Path(package).is_file()
    assert len(sha256) == 64


def test_the_revision_is_that_of_the_package() -> None:
    class Revising(Recorder):
        @override
        def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            resource_id, state = super().new_resource(args)
            return resource_id, state | ({"revision": "r7"} if args.name == "code-deployment-package-revision" else {})

    recorder = run_program("dev", recorder=Revising())
    (deployed,) = [resource for resource in recorder.resources if resource.name == "code-deployment"]
    assert deployed.inputs["revision"] == "r7"


def test_every_revision_is_another_one() -> None:
    provider = _RevisionProvider()
    created = provider.create({"sha256": "1", "revision": None})
    assert created.id == "revision"
    assert created.outs is not None
    assert created.outs["sha256"] == "1"
    updated = provider.update("id", created.outs, {"sha256": "2", "revision": None}).outs
    assert updated is not None
    assert updated["sha256"] == "2"
    assert len({created.outs["revision"], updated["revision"], None}) == 3


def test_a_revision_made_before_there_were_hashes_is_made_again() -> None:
    assert _RevisionProvider().diff("id", {}, {"sha256": "1"}).changes is True
