"""The dynamic resource of an analyzer of Content Understanding, against a service with accounts of its own."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from infra.core.errors import ContentAnalyzerError
from infra.dynamic.content_analyzer import _ContentAnalyzerProvider
from infra.dynamic.content_analyzer_client import ContentAnalyzerClient
from tests.infra.clock import Clock
from tests.infra.test_code_deployment import Answer

ENDPOINT = "https://account.services.ai.azure.com/"
DEFINITION = {
    "baseAnalyzerId": "prebuilt-image",
    "models": {"completion": "gpt-5.4-mini"},
    "fieldSchema": {"fields": {"tags": {"type": "array", "method": "generate", "items": {"type": "string"}}}},
}
PROPS: dict[str, Any] = {
    "endpoint": ENDPOINT,
    "analyzer_id": "imgpipe_0123456789abcdef",
    "definition": DEFINITION,
    "deployments": {"gpt-5.4-mini": "gpt-5.4-mini-2026-03-17"},
}
ANALYZER = "/contentunderstanding/analyzers/imgpipe_0123456789abcdef"
VERSION = "?api-version=2025-11-01"
type Send = Callable[[HttpRequest], Any]


class Service:
    """One account; `refusals` are the first answers, whatever is requested, and `polls` those until one is ready."""

    def __init__(self, *, refusals: list[int] | None = None, polls: int = 1, ends: str = "ready") -> None:
        self.models = ["gpt-5.2", "gpt-5.4-mini"]
        self.defaults: dict[str, str] = {"other": "stays"}
        self.analyzers: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.conflict = False
        self.ignores_replacements = False
        self._refusals = [*(refusals or [])]
        self._polls = polls
        self._ends = ends

    def __call__(self, request: HttpRequest) -> Any:
        self.requests.append((request.method, request.url))
        if self._refusals:
            return Answer(self._refusals.pop(0), {"error": {"code": "PermissionDenied"}})
        path = request.url.partition("?")[0]
        body: Any = json.loads(request.content or "{}")
        match request.method, path:
            case "GET", "/contentunderstanding/analyzers/prebuilt-image":
                return Answer(200, {"supportedModels": {"completion": self.models}})
            case "PATCH", "/contentunderstanding/defaults":
                assert request.headers["Content-Type"] == "application/merge-patch+json"
                self.defaults |= body["modelDeployments"]
                return Answer(200, {"modelDeployments": self.defaults})
            case "PUT", _:
                return self._put(path, body)
            case "DELETE", _:
                return Answer(204 if self.analyzers.pop(path, None) else 404)
            case _:
                return self._get(path)

    def _put(self, path: str, body: dict[str, Any]) -> Any:
        if self.ignores_replacements and path in self.analyzers:
            return Answer(200, self.analyzers[path])
        self.analyzers[path] = body | {"status": "creating", "createdAt": "2026-11-29T00:00:00Z", "config": {}}
        return Answer(409, {}) if self.conflict else Answer(201, self.analyzers[path])

    def _get(self, path: str) -> Any:
        analyzer = self.analyzers.get(path)
        if analyzer is None:
            return Answer(404, {"error": {"code": "NotFound"}})
        if analyzer["status"] == "creating":
            self._polls -= 1
            if self._polls <= 0:
                analyzer["status"] = self._ends
        return Answer(200, analyzer)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    return connect(monkeypatch, Service())


def connect(monkeypatch: pytest.MonkeyPatch, service: Service) -> Service:
    """Let the provider reach the service, and its waits take no time."""
    Clock(monkeypatch)

    def client(base_url: str, *, token_scope: str) -> Send:
        assert (base_url, token_scope) == (ENDPOINT.rstrip("/"), "https://cognitiveservices.azure.com/.default")
        return service

    monkeypatch.setattr("infra.dynamic.content_analyzer.authenticated_client", client)
    return service


def store(service: Service, definition: Mapping[str, Any] = DEFINITION, status: str = "ready") -> None:
    service.analyzers[ANALYZER] = {**definition, "status": status}


def test_an_analyzer_is_defined_after_its_model_was_checked_and_its_deployment_stored(service: Service) -> None:
    result = _ContentAnalyzerProvider().create(PROPS)
    assert result.id == f"{ENDPOINT}contentunderstanding/analyzers/imgpipe_0123456789abcdef"
    assert result.outs == PROPS
    assert service.requests == [
        ("GET", f"/contentunderstanding/analyzers/prebuilt-image{VERSION}"),
        ("PATCH", f"/contentunderstanding/defaults{VERSION}"),
        ("GET", f"{ANALYZER}{VERSION}"),
        ("PUT", f"{ANALYZER}{VERSION}"),
        ("GET", f"{ANALYZER}{VERSION}"),
    ]
    assert service.defaults == {"other": "stays", "gpt-5.4-mini": "gpt-5.4-mini-2026-03-17"}
    assert service.analyzers[ANALYZER]["fieldSchema"] == DEFINITION["fieldSchema"]


def test_no_token_is_stored(service: Service) -> None:
    assert "token" not in json.dumps(_ContentAnalyzerProvider().create(PROPS).outs).lower()
    assert service.requests


def test_a_model_that_the_service_does_not_support_is_named_with_those_that_it_does(service: Service) -> None:
    service.models = ["gpt-5.5", "gpt-5.2"]
    with pytest.raises(ContentAnalyzerError, match=r"not support gpt-5.4-mini for images; it supports gpt-5.2, gpt-5"):
        _ContentAnalyzerProvider().create(PROPS)
    assert [method for method, _ in service.requests] == ["GET"]


def test_an_equal_analyzer_is_left_alone(service: Service) -> None:
    store(service)
    _ContentAnalyzerProvider().create(PROPS)
    assert "PUT" not in {method for method, _ in service.requests}


@pytest.mark.parametrize(
    "other",
    [
        {"baseAnalyzerId": "prebuilt-document"},
        {"models": {"completion": "gpt-5.2"}},
        {"fieldSchema": {"fields": {}}},
        {"fieldSchema": {"fields": {"tags": {"type": "array", "method": "generate", "items": {"type": "number"}}}}},
        {"fieldSchema": None},
    ],
)
def test_another_analyzer_under_this_id_is_an_error(service: Service, other: dict[str, Any]) -> None:
    store(service, DEFINITION | other)
    with pytest.raises(ContentAnalyzerError, match="imgpipe_0123456789abcdef exists with another definition"):
        _ContentAnalyzerProvider().create(PROPS)
    assert "PUT" not in {method for method, _ in service.requests}


def test_an_analyzer_that_another_run_defines_at_the_same_time_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    service = connect(monkeypatch, Service(polls=3))
    service.conflict = True
    _ContentAnalyzerProvider().create(PROPS)
    assert service.analyzers[ANALYZER]["status"] == "ready"


def test_an_analyzer_that_cannot_be_used_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Service(ends="failed"))
    with pytest.raises(ContentAnalyzerError, match="imgpipe_0123456789abcdef cannot be used: 200"):
        _ContentAnalyzerProvider().create(PROPS)


def test_one_that_never_becomes_ready_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Service(polls=10_000))
    with pytest.raises(ContentAnalyzerError, match=r'cannot be used: .*"creating"'):
        _ContentAnalyzerProvider().create(PROPS)


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
def test_what_passes_is_tried_again(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    """A role assignment that is not effective yet, and a host name that is minutes old."""
    service = connect(monkeypatch, Service(refusals=[status, status]))
    _ContentAnalyzerProvider().create(PROPS)
    assert ANALYZER in service.analyzers


def test_a_deployer_without_the_role_is_told_which_one_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, Service(refusals=[401] * 10_000))
    with pytest.raises(
        ContentAnalyzerError,
        match=r"prebuilt-image could not be read: 401 .*The deployer needs the role Cognitive Services Content"
        r" Understanding Owner on the account.*in the network.*Running `pulumi up` again is safe",
    ):
        _ContentAnalyzerProvider().create(PROPS)


def test_a_definition_that_is_refused_is_not_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [Answer(200, {"supportedModels": {"completion": ["gpt-5.4-mini"]}}), Answer(400, {"error": "no"})]
    requests: list[HttpRequest] = []

    def send(request: HttpRequest) -> Any:
        requests.append(request)
        return answers.pop(0)

    Clock(monkeypatch)
    client = ContentAnalyzerClient(send)
    client.check_model("gpt-5.4-mini")
    with pytest.raises(ContentAnalyzerError, match=r"the deployments of the models could not be stored: 400 [^R]*Runn"):
        client.set_defaults({})
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("change", "replaces", "changes"),
    [
        ({}, [], False),
        ({"analyzer_id": "imgpipe_2"}, ["analyzer_id"], True),
        ({"endpoint": "https://other/"}, ["endpoint"], True),
        ({"deployments": {"gpt-5.4-mini": "other"}}, [], True),
        ({"definition": {}}, [], True),
        ({"analyzer_id": "imgpipe_2", "definition": {}}, ["analyzer_id"], True),
    ],
)
def test_another_analyzer_is_made_before_the_old_one_is_deleted(
    change: dict[str, Any], replaces: list[str], changes: bool
) -> None:
    result = _ContentAnalyzerProvider().diff("id", PROPS, PROPS | change)
    assert (result.replaces, result.changes) == (replaces, changes)
    assert not result.delete_before_replace


def test_what_was_changed_otherwise_is_reported_and_restored(service: Service) -> None:
    provider = _ContentAnalyzerProvider()
    store(service)
    assert provider.read("id", PROPS).outs == PROPS
    changed = DEFINITION | {"models": {"completion": "gpt-5.2"}}
    store(service, changed)
    result = provider.read("id", PROPS)
    outputs = result.outs or {}
    assert (result.id, outputs["definition"]) == ("id", changed)
    assert provider.diff("id", outputs, PROPS).changes
    assert provider.update("id", outputs, PROPS).outs == PROPS
    assert ("PUT", f"{ANALYZER}{VERSION}&allowReplace=true") in service.requests
    assert provider.read("id", PROPS).outs == PROPS


def test_an_analyzer_whose_replacement_was_only_confirmed_is_made_anew(service: Service) -> None:
    """Reported by a user: docs/decisions/0047."""
    service.ignores_replacements = True
    store(service, DEFINITION | {"models": {"completion": "gpt-5.2"}})
    _ContentAnalyzerProvider().update("id", PROPS, PROPS)
    assert [method for method, _ in service.requests if method != "GET"] == ["PATCH", "PUT", "DELETE", "PUT"]
    assert _ContentAnalyzerProvider().read("id", PROPS).outs == PROPS


def test_an_analyzer_that_was_deleted_is_made_again(service: Service) -> None:
    assert not _ContentAnalyzerProvider().read("id", PROPS).id
    assert service.requests == [("GET", f"{ANALYZER}{VERSION}")]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_who_may_not_look_reports_no_difference(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    service = connect(monkeypatch, Service(refusals=[status]))
    result = _ContentAnalyzerProvider().read("id", PROPS)
    assert (result.id, result.outs) == ("id", PROPS)
    assert len(service.requests) == 1


def test_deleting_needs_no_analyzer_and_no_right(monkeypatch: pytest.MonkeyPatch) -> None:
    service = connect(monkeypatch, Service())
    store(service)
    for _ in range(2):
        _ContentAnalyzerProvider().delete("id", PROPS)
    assert service.analyzers == {}
    service = connect(monkeypatch, Service(refusals=[403]))
    _ContentAnalyzerProvider().delete("id", PROPS)
    assert service.requests == [("DELETE", f"{ANALYZER}{VERSION}")]
