"""Who is let in, with which scheme and claims; and each setting of the environment, in its own field."""

import asyncio
import re
from typing import Any

import pytest
from classifier.domain.errors import AuthorizationError
from classifier.settings import OPTIONAL, REQUIRED, OperatorPrincipal, Settings, SettingsError

from tests.functions.adapters.test_entra import AUDIENCE, KEY, OPERATOR, TENANT, operators, principal, token


def refusal(authorization: str | None, *principals: OperatorPrincipal) -> tuple[int, str]:
    with pytest.raises(AuthorizationError) as raised:
        asyncio.run(operators(*principals).check(authorization))
    return raised.value.status, str(raised.value)


@pytest.mark.parametrize("scheme", ["Basic", "Digest", "Bearer2", "", "DPoP"])
def test_a_good_token_under_another_scheme_is_no_bearer_token(scheme: str) -> None:
    assert refusal(f"{scheme} {token()}") == (401, "the request has no bearer token")


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", token()])
def test_without_a_scheme_or_a_token_there_is_no_bearer_token(authorization: str | None) -> None:
    assert refusal(authorization) == (401, "the request has no bearer token")


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    """https://www.rfc-editor.org/rfc/rfc9110#section-11.1."""
    assert asyncio.run(operators().check(f"{scheme} {token()}")) == "aaaa-1"


@pytest.mark.parametrize(("listed", "claimed"), [("AAAA-1", "aaaa-1"), ("aaaa-1", "AAAA-1"), ("AaAa-1", "aAaA-1")])
def test_object_ids_have_no_case(listed: str, claimed: str) -> None:
    assert asyncio.run(operators(principal(listed)).check(f"Bearer {token(oid=claimed)}")) == "aaaa-1"
    group = operators(principal(listed, "Group"))
    assert asyncio.run(group.check(f"Bearer {token(oid='cccc-3', groups=[claimed])}")) == "cccc-3"


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "oid"])
def test_a_token_without_one_of_the_claims_is_refused(claim: str) -> None:
    without: dict[str, Any] = {claim: None}
    status, sentence = refusal(f"Bearer {token(**without)}")
    assert status == 401
    assert sentence.startswith("the token was refused: ")
    assert claim in sentence


@pytest.mark.parametrize(
    "issuer",
    [
        "https://sts.windows.net/tenant-2/",
        "https://sts.windows.net/tenant-1",
        "https://login.microsoftonline.com/tenant-2/v2.0",
        "https://login.microsoftonline.com/tenant-1/v1.0",
        "https://login.example/tenant-1/v2.0",
    ],
)
def test_a_token_of_another_issuer_is_refused(issuer: str) -> None:
    assert refusal(f"Bearer {token(iss=issuer)}")[0] == 401


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_a_token_that_is_signed_by_another_algorithm_is_refused(algorithm: str) -> None:
    assert refusal(f"Bearer {token(KEY, algorithm)}")[0] == 401


def test_a_caller_who_is_not_listed_is_named() -> None:
    assert refusal(f"Bearer {token(oid='BBBB-2')}") == (
        403,
        "bbbb-2 is not among the stack's operators, nor is any group that the token names",
    )
    assert (TENANT, AUDIENCE, OPERATOR) == ("tenant-1", "api://pipeline", "AAAA-1")


ENVIRONMENT = {
    "PIPELINE_CLIENT_ID": "client",
    "PIPELINE_BLOB_ENDPOINT": "https://blob",
    "PIPELINE_QUEUE_ENDPOINT": "https://queue",
    "PIPELINE_IMAGES_CONTAINER": "images",
    "PIPELINE_DEADLETTER_CONTAINER": "deadletters",
    "PIPELINE_CLASSIFIED_CONTAINER": "classified",
    "PIPELINE_IMAGES_QUEUE": "images-queue",
    "PIPELINE_COSMOS_ENDPOINT": "https://cosmos",
    "PIPELINE_COSMOS_DATABASE": "pipeline",
    "PIPELINE_COSMOS_IMAGES": "image-records",
    "PIPELINE_COSMOS_ANALYSES": "analyses",
    "PIPELINE_RESULTS_ENDPOINT": "https://topic",
    "PIPELINE_ANALYZER": "image-analysis",
    "PIPELINE_ANALYZER_OPTIONS": '{"language": "en"}',
    "PIPELINE_FEATURES": '["tags", "read"]',
    "PIPELINE_MIN_CONFIDENCE": "0.25",
    "PIPELINE_MAX_RETRY_AGE_HOURS": "0.5",
    "PIPELINE_TRIGGER": "schedule",
    "PIPELINE_RECONCILE_SCHEDULE": "0 */5 * * * *",
    "PIPELINE_OPERATORS": (
        '[{"objectId": "a", "principalType": "User"}, {"objectId": "b", "principalType": "Group"},'
        ' {"objectId": "c", "principalType": "ServicePrincipal"}]'
    ),
    "PIPELINE_API_AUDIENCE": "api://app",
    "PIPELINE_TENANT_ID": "tenant",
}


def test_every_setting_is_read_into_its_own_field() -> None:
    assert Settings.load(ENVIRONMENT) == Settings(
        client_id="client",
        blob_endpoint="https://blob",
        queue_endpoint="https://queue",
        images_container="images",
        deadletter_container="deadletters",
        classified_container="classified",
        images_queue="images-queue",
        cosmos_endpoint="https://cosmos",
        cosmos_database="pipeline",
        cosmos_images="image-records",
        cosmos_analyses="analyses",
        results_endpoint="https://topic",
        analyzer="image-analysis",
        analyzer_options={"language": "en"},
        features=("tags", "read"),
        min_confidence=0.25,
        max_retry_age_hours=0.5,
        scheduled=True,
        operators=(
            OperatorPrincipal(object_id="a", principal_type="User"),
            OperatorPrincipal(object_id="b", principal_type="Group"),
            OperatorPrincipal(object_id="c", principal_type="ServicePrincipal"),
        ),
        api_audience="api://app",
        tenant_id="tenant",
    )
    assert Settings.load(ENVIRONMENT).poison_queue == "images-queue-poison"


def test_the_names_of_all_settings_are_known_to_whoever_writes_them() -> None:
    assert {*OPTIONAL} == {*OPTIONAL_FIELDS, "PIPELINE_OPERATORS"}
    assert {*REQUIRED} == {*ENVIRONMENT} - {*OPTIONAL}


OPTIONAL_FIELDS = {
    "PIPELINE_CLASSIFIED_CONTAINER": "classified_container",
    "PIPELINE_RESULTS_ENDPOINT": "results_endpoint",
    "PIPELINE_API_AUDIENCE": "api_audience",
    "PIPELINE_TENANT_ID": "tenant_id",
}


@pytest.mark.parametrize(("name", "field"), OPTIONAL_FIELDS.items())
def test_an_optional_setting_that_is_empty_or_absent_is_none(name: str, field: str) -> None:
    absent = {other: value for other, value in ENVIRONMENT.items() if other != name}
    assert getattr(Settings.load(absent), field) is None
    assert getattr(Settings.load(ENVIRONMENT | {name: ""}), field) is None


@pytest.mark.parametrize("value", [None, ""])
def test_without_operators_there_are_none(value: str | None) -> None:
    environment = {name: text for name, text in ENVIRONMENT.items() if name != "PIPELINE_OPERATORS"}
    assert Settings.load(environment | ({} if value is None else {"PIPELINE_OPERATORS": value})).operators == ()


@pytest.mark.parametrize("name", sorted({*ENVIRONMENT} - {*OPTIONAL_FIELDS} - {"PIPELINE_OPERATORS"}))
def test_each_required_setting_is_named_when_it_is_absent_or_empty(name: str) -> None:
    absent = {other: value for other, value in ENVIRONMENT.items() if other != name}
    for environment in (absent, ENVIRONMENT | {name: ""}):
        with pytest.raises(SettingsError) as refused:
            Settings.load(environment)
        assert str(refused.value) == f"{name} is not set"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PIPELINE_ANALYZER_OPTIONS", "[]", "a JSON object"),
        ("PIPELINE_ANALYZER_OPTIONS", "{", "a JSON object"),
        ("PIPELINE_FEATURES", '"tags"', "a JSON list of texts"),
        ("PIPELINE_FEATURES", '["tags", 1]', "a JSON list of texts"),
        ("PIPELINE_MIN_CONFIDENCE", "-0.01", "a number 0 to 1"),
        ("PIPELINE_MIN_CONFIDENCE", "1.01", "a number 0 to 1"),
        ("PIPELINE_MIN_CONFIDENCE", "nan", "a number 0 to 1"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "0", "a number over 0"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "-1", "a number over 0"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "inf", "a number over 0"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "nan", "a number over 0"),
        ("PIPELINE_TRIGGER", "Events", "events or schedule"),
        (
            "PIPELINE_OPERATORS",
            '[{"objectId": 5, "principalType": "User"}]',
            "a JSON list of {objectId, principalType}, the type User, Group or ServicePrincipal",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(f'{name} is {value!r}, not {allowed}')}$"):
        Settings.load(ENVIRONMENT | {name: value})


@pytest.mark.parametrize(
    ("name", "value", "field", "read"),
    [
        ("PIPELINE_MIN_CONFIDENCE", "0", "min_confidence", 0.0),
        ("PIPELINE_MIN_CONFIDENCE", "1", "min_confidence", 1.0),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "0.01", "max_retry_age_hours", 0.01),
        ("PIPELINE_TRIGGER", "events", "scheduled", False),
        ("PIPELINE_ANALYZER_OPTIONS", "{}", "analyzer_options", {}),
    ],
)
def test_the_ends_of_a_range_are_in_it(name: str, value: str, field: str, read: Any) -> None:
    assert getattr(Settings.load(ENVIRONMENT | {name: value}), field) == read


def test_several_wrong_settings_are_named_in_one_error() -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.load(ENVIRONMENT | {"PIPELINE_CLIENT_ID": "", "PIPELINE_TRIGGER": "x"})
    assert str(refused.value) == "PIPELINE_CLIENT_ID is not set; PIPELINE_TRIGGER is 'x', not events or schedule"
