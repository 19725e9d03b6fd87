"""The joints between parts that may not import each other."""

import asyncio
import importlib
import json
from typing import Any

import azure.functions as func
import pytest
from classifier.analyzers import foundry_vision
from common.domain.models import ImageFormat, ImageInfo

from client.stack_outputs import record_id as client_record_id
from infra import packaging
from infra.config.foundry_sizing import calls_per_second
from infra.core import analysis
from infra.core.app_roles import AppRole
from tests.conftest import ROOT, Recorder, run_program
from tests.infra.test_settings import CONTENT_UNDERSTANDING, CUSTOM, FOUNDRY, SHADOW
from tests.support.fake_vision_service import FOUNDRY as FOUNDRY_OPTIONS
from tests.support.fake_vision_service import (
    FOUNDRY_ANSWER,
    FakeVisionService,
    completion,
    create_azure_clients,
    run_calls,
)


@pytest.fixture(scope="module")
def functions() -> dict[str, list[str]]:
    """The bindings of every function of the app, as JSON. The library lets an app be asked only once."""
    functions = importlib.import_module("function_app").app.get_functions()
    return {function.get_function_name(): function.get_raw_bindings() for function in functions}


@pytest.fixture
def app_settings(dev: Recorder) -> dict[str, str]:
    settings = dev.one("web:WebApp", "app-site").inputs["siteConfig"]["appSettings"]
    return {setting["name"]: setting["value"] for setting in settings}


def test_the_app_has_every_setting_that_the_code_requires(app_settings: dict[str, str]) -> None:
    known = importlib.import_module("classifier.settings")
    names = {name for name in app_settings if name.startswith("PIPELINE_")}
    assert names - set(known.OPTIONAL) == set(known.REQUIRED)


def test_the_app_has_every_optional_setting_that_the_stack_asks_for() -> None:
    config = SHADOW | {"copyClassified": True, "signIn": "create"}
    settings = run_program("dev", config).one("web:WebApp", "app-site").inputs["siteConfig"]["appSettings"]
    known = importlib.import_module("classifier.settings")
    names = {setting["name"] for setting in settings if setting["name"].startswith("PIPELINE_")}
    assert names == {*known.REQUIRED, *known.OPTIONAL}


def test_the_code_can_read_its_settings(app_settings: dict[str, str]) -> None:
    loaded = importlib.import_module("classifier.settings").Settings.load(app_settings)
    assert loaded.features == ("tags", "objects", "people", "read", "caption")
    assert loaded.min_confidence == 0.5
    assert loaded.analyzer_options == {
        "endpoints": ["https://vision-account-1.cognitiveservices.azure.com/"],
        "language": "en",
        "genderNeutralCaptions": False,
        "smartCropAspectRatios": [],
        "callsPerSecond": 10,
        "instances": 40,
    }


def test_the_app_accepts_tokens_for_the_app_registration_of_the_stacks_tenant(app_settings: dict[str, str]) -> None:
    loaded = importlib.import_module("classifier.settings").Settings.load(app_settings)
    assert (loaded.api_client_id, loaded.tenant_id) == ("api-client", "tenant")


def test_the_app_roles_are_those_that_the_code_knows() -> None:
    known = importlib.import_module("common.domain.principal")
    assert {role.value.value for role in AppRole} == {str(role) for role in known.AppRole}


@pytest.mark.parametrize(
    ("config", "features"),
    [
        ({"features": ["tags", "safety", "embeddings", "smartCrops"], "smartCropAspectRatios": ["0.9"]}, 4),
        ({"analyzer": "custom-vision", "customVision": CUSTOM, "features": ["tags"]}, 1),
        (FOUNDRY, 3),
        (CONTENT_UNDERSTANDING, 3),
    ],
)
def test_the_analyzer_can_read_what_it_is_told(config: dict[str, Any], features: int) -> None:
    """Its options, its features, and its name, which is its module's."""
    settings = run_program("dev", config).one("web:WebApp", "app-site").inputs["siteConfig"]["appSettings"]
    loaded = importlib.import_module("classifier.settings").Settings.load(
        {setting["name"]: setting["value"] for setting in settings}
    )
    module = importlib.import_module(f"classifier.analyzers.{loaded.analyzer.replace('-', '_')}")
    assert (
        len(module.build(loaded.analyzer_options, loaded.features, create_azure_clients(FakeVisionService())).features)
        == features
    )


def test_both_sides_have_the_same_analyzers() -> None:
    folder = ROOT / "functions/pipeline/classifier/analyzers"
    modules = {path.stem.replace("_", "-") for path in folder.glob("*.py") if "\ndef build(" in path.read_text()}
    assert modules == set(analysis.ANALYZERS)


def test_the_features_of_both_sides_are_the_same() -> None:
    assert set(importlib.import_module("classifier.analyzers.image_analysis").FEATURES) == set(analysis.FEATURES)


def test_the_trigger_listens_to_the_queue_and_connection_that_are_configured(
    app_settings: dict[str, str], functions: dict[str, list[str]]
) -> None:
    (trigger,) = map(json.loads, functions["classify"])
    (timer,) = map(json.loads, functions["reconcile"])
    assert timer["schedule"].strip("%") in app_settings
    assert trigger["type"] == "queueTrigger"
    assert trigger["queueName"].strip("%") in app_settings
    for suffix in ("queueServiceUri", "credential", "clientId"):
        assert f"{trigger['connection']}__{suffix}" in app_settings


def test_the_code_deployment_expects_the_functions_of_the_app(dev: Recorder, functions: dict[str, list[str]]) -> None:
    (code_deployment,) = [resource for resource in dev.resources if resource.name == "code-deployment"]
    assert code_deployment.inputs["functions"] == sorted(functions)


def test_the_code_deployment_expects_the_function_of_the_shadow_with_a_shadow(
    functions: dict[str, list[str]],
) -> None:
    recorder = run_program("dev", SHADOW)
    (code_deployment,) = [resource for resource in recorder.resources if resource.name == "code-deployment"]
    app = func.FunctionApp()
    app.register_functions(importlib.import_module("classifier.shadow_trigger").blueprint)
    (function,) = app.get_functions()
    assert code_deployment.inputs["functions"] == [*sorted(functions), function.get_function_name()]
    (trigger,) = map(json.loads, function.get_raw_bindings())
    settings = recorder.one("web:WebApp", "app-site").inputs["siteConfig"]["appSettings"]
    assert trigger["queueName"].strip("%") in {setting["name"] for setting in settings}


def test_the_successor_can_read_what_it_is_told() -> None:
    settings = run_program("dev", SHADOW).one("web:WebApp", "app-site").inputs["siteConfig"]["appSettings"]
    values = {setting["name"]: setting["value"] for setting in settings}
    loaded = importlib.import_module("classifier.settings").Settings.load(values)
    assert (loaded.shadow_queue, loaded.shadow_percent) == ("images-shadow-queue", 20.0)
    assert loaded.shadow_comparisons == "records-comparisons"
    module = importlib.import_module(f"classifier.analyzers.{loaded.shadow_analyzer.replace('-', '_')}")
    successor = module.build(
        loaded.shadow_analyzer_options, loaded.shadow_features, create_azure_clients(FakeVisionService())
    )
    assert successor.features == ("tags", "read", "caption")
    # As the analyzer of the stack it has the same fingerprint: what the shadow has stored is found at the cut-over.
    cut_over = {**SHADOW, "shadow": {}, "analyzer": "foundry-vision", "features": [*loaded.shadow_features]}
    settings = run_program("dev", cut_over).one("web:WebApp", "app-site").inputs["siteConfig"]["appSettings"]
    values = {setting["name"]: setting["value"] for setting in settings}
    loaded = importlib.import_module("classifier.settings").Settings.load(values)
    analyzer = module.build(loaded.analyzer_options, loaded.features, create_azure_clients(FakeVisionService()))
    assert [call.fingerprint for call in analyzer.calls] == [call.fingerprint for call in successor.calls]


def test_the_code_deployment_of_the_api_expects_its_functions(dev: Recorder) -> None:
    app = func.FunctionApp()
    app.register_functions(importlib.import_module("image_api.triggers").blueprint)
    names = sorted(str(function.get_function_name()) for function in app.get_functions())
    assert (
        dev.one("pulumi-python:dynamic/image-pipeline:CodeDeployment", "api-code-deployment").inputs["functions"]
        == names
    )


def test_the_api_has_every_setting_that_its_code_requires() -> None:
    known = importlib.import_module("image_api.settings")
    for config, expected in (
        ({}, {*known.REQUIRED}),
        ({"features": ["tags", "embeddings"], "apiOrigins": ["https://a.example"]}, {*known.REQUIRED, *known.OPTIONAL}),
    ):
        settings = run_program("dev", config).one("web:WebApp", "api-app-site").inputs["siteConfig"]["appSettings"]
        values = {setting["name"]: setting["value"] for setting in settings}
        assert {name for name in values if name.startswith("IMAGE_API_")} == expected
        assert known.Settings.load(values).min_similarity == 0.25


@pytest.mark.parametrize(("app", "group"), [("pipeline", "functions"), ("api", "api")])
def test_what_ships_is_locked(app: str, group: str) -> None:
    assert (ROOT / f"functions/{app}/requirements.txt").read_text() == (ROOT / f"requirements/{group}.txt").read_text()


@pytest.mark.parametrize("app", ["pipeline", "api"])
def test_everything_in_functions_ships(app: str) -> None:
    files = {
        path
        for folder in (f"functions/{app}", "functions/common")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert set(packaging.package_files(ROOT / f"functions/{app}").values()) == files


def test_the_record_id_of_clients_is_the_codes() -> None:
    record_id = importlib.import_module("common.domain.record_id").record_id("images", "a b/é.png")
    assert client_record_id("images", "a b/é.png") == record_id


def test_the_python_of_the_app_is_the_python_of_the_package(dev: Recorder) -> None:
    runtime = dev.one("web:WebApp", "app-site").inputs["functionAppConfig"]["runtime"]
    assert runtime["version"] == packaging.PYTHON_VERSION == (ROOT / ".python-version").read_text().strip()


@pytest.mark.parametrize(("features", "tokens"), [(("tags", "caption"), 3_900), (("tags", "caption", "read"), 6_900)])
def test_the_capacity_is_sized_for_the_answers_that_the_code_allows(features: tuple[Any, ...], tokens: int) -> None:
    """The prompt of the largest image, and the limit in the request."""
    service = FakeVisionService(completions=[(200, completion(FOUNDRY_ANSWER))])
    analyzer = foundry_vision.build(FOUNDRY_OPTIONS, features, create_azure_clients(service))
    info = ImageInfo(width=9, height=9, format=ImageFormat.PNG)
    asyncio.run(run_calls(analyzer, b"cat", info))
    limit = json.loads(service.requests[0]["body"])["max_completion_tokens"]
    assert limit + 2_900 == tokens
    assert calls_per_second(tokens * 60, features) == 1000.0
