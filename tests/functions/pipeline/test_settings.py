"""The app's environment: every missing or wrong setting is named together."""

import logging
import re
from typing import Any

import msgspec
import pytest
from classifier.settings import OPTIONAL, REQUIRED, Settings
from common.settings import SettingsError

GOOD = dict.fromkeys(REQUIRED, "x") | {
    "PIPELINE_FEATURES": '["tags"]',
    "PIPELINE_MIN_CONFIDENCE": "0.5",
    "PIPELINE_ANALYZER_OPTIONS": '{"a": 1}',
    "PIPELINE_MAX_RETRY_AGE_HOURS": "168",
    "PIPELINE_TRIGGER": "events",
}
ALL = (
    GOOD
    | dict.fromkeys(OPTIONAL, "y")
    | {
        "PIPELINE_SHADOW_PERCENT": "5",
        "PIPELINE_SHADOW_ANALYZER_OPTIONS": '{"b": 2}',
        "PIPELINE_SHADOW_FEATURES": '["tags"]',
    }
)


def test_good_settings_are_read() -> None:
    settings = Settings.load(GOOD)
    assert (settings.features, settings.min_confidence, settings.is_scheduled) == (("tags",), 0.5, False)
    assert (settings.analyzer_options, settings.poison_queue) == ({"a": 1}, "x-poison")
    assert (settings.results_endpoint, settings.classified_container, settings.api_client_id) == (None,) * 3


def test_optional_settings_are_read_too() -> None:
    settings = Settings.load(ALL)
    assert (settings.results_endpoint, settings.classified_container) == ("y", "y")
    assert (settings.api_client_id, settings.tenant_id) == ("y", "y")
    assert (settings.shadow_queue, settings.shadow_percent, settings.shadow_analyzer) == ("y", 5.0, "y")
    assert (settings.shadow_analyzer_options, settings.shadow_features) == ({"b": 2}, ("tags",))
    assert settings.shadow_comparisons == "y"


def test_all_that_is_missing_is_named_together() -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings.load({})
    assert [name for name in REQUIRED if f"{name} is not set" not in str(refusal.value)] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PIPELINE_FEATURES", "tags"),
        ("PIPELINE_FEATURES", "[]"),
        ("PIPELINE_ANALYZER_OPTIONS", "[1]"),
        ("PIPELINE_MIN_CONFIDENCE", "half"),
        ("PIPELINE_MIN_CONFIDENCE", "1.5"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "inf"),
        ("PIPELINE_TRIGGER", "sometimes"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"{name} is {value!r}, not ")):
        Settings.load(GOOD | {name: value})


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
    "PIPELINE_API_CLIENT_ID": "api-client",
    "PIPELINE_TENANT_ID": "tenant",
    "PIPELINE_SHADOW_QUEUE": "images-shadow",
    "PIPELINE_SHADOW_PERCENT": "0.5",
    "PIPELINE_SHADOW_ANALYZER": "foundry-vision",
    "PIPELINE_SHADOW_ANALYZER_OPTIONS": '{"language": "de"}',
    "PIPELINE_SHADOW_FEATURES": '["caption"]',
    "PIPELINE_SHADOW_COMPARISONS": "comparisons",
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
        trigger="schedule",
        reconcile_schedule="0 */5 * * * *",
        api_client_id="api-client",
        tenant_id="tenant",
        shadow_queue="images-shadow",
        shadow_percent=0.5,
        shadow_analyzer="foundry-vision",
        shadow_analyzer_options={"language": "de"},
        shadow_features=("caption",),
        shadow_comparisons="comparisons",
    )
    assert Settings.load(ENVIRONMENT).poison_queue == "images-queue-poison"
    assert Settings.load(ENVIRONMENT).is_scheduled is True


def test_the_names_of_all_settings_are_listed() -> None:
    assert {*OPTIONAL} == {*OPTIONAL_FIELDS}
    assert {*REQUIRED} == {*ENVIRONMENT} - {*OPTIONAL}


OPTIONAL_FIELDS: dict[str, tuple[str, Any]] = {
    "PIPELINE_CLASSIFIED_CONTAINER": ("classified_container", None),
    "PIPELINE_RESULTS_ENDPOINT": ("results_endpoint", None),
    "PIPELINE_API_CLIENT_ID": ("api_client_id", None),
    "PIPELINE_TENANT_ID": ("tenant_id", None),
    "PIPELINE_SHADOW_QUEUE": ("shadow_queue", None),
    "PIPELINE_SHADOW_PERCENT": ("shadow_percent", 0),
    "PIPELINE_SHADOW_ANALYZER": ("shadow_analyzer", ""),
    "PIPELINE_SHADOW_ANALYZER_OPTIONS": ("shadow_analyzer_options", {}),
    "PIPELINE_SHADOW_FEATURES": ("shadow_features", ()),
    "PIPELINE_SHADOW_COMPARISONS": ("shadow_comparisons", ""),
}


@pytest.mark.parametrize(("name", "field", "default"), [(name, *field) for name, field in OPTIONAL_FIELDS.items()])
def test_an_optional_setting_that_is_empty_or_absent_has_its_default(name: str, field: str, default: Any) -> None:
    absent = {other: value for other, value in ENVIRONMENT.items() if other != name}
    assert getattr(Settings.load(absent), field) == default
    assert getattr(Settings.load(ENVIRONMENT | {name: ""}), field) == default


@pytest.mark.parametrize("name", sorted({*ENVIRONMENT} - {*OPTIONAL_FIELDS}))
def test_each_required_setting_is_named_when_it_is_absent_or_empty(name: str) -> None:
    absent = {other: value for other, value in ENVIRONMENT.items() if other != name}
    for environment in (absent, ENVIRONMENT | {name: ""}):
        with pytest.raises(SettingsError) as error:
            Settings.load(environment)
        assert str(error.value) == f"{name} is not set"


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
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "0", "a number over 0 and at most 8760"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "8760.01", "a number over 0 and at most 8760"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "-1", "a number over 0 and at most 8760"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "inf", "a number over 0 and at most 8760"),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "nan", "a number over 0 and at most 8760"),
        ("PIPELINE_TRIGGER", "Events", "events or schedule"),
        ("PIPELINE_SHADOW_PERCENT", "101", "a number 0 to 100"),
        ("PIPELINE_SHADOW_ANALYZER_OPTIONS", "[]", "a JSON object"),
        ("PIPELINE_SHADOW_FEATURES", "tags", "a JSON list of texts"),
    ],
)
def test_the_text_about_a_wrong_value_says_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError, match=f"^{re.escape(f'{name} is {value!r}, not {allowed}')}$"):
        Settings.load(ENVIRONMENT | {name: value})


@pytest.mark.parametrize(
    ("name", "value", "field", "read"),
    [
        ("PIPELINE_MIN_CONFIDENCE", "0", "min_confidence", 0.0),
        ("PIPELINE_MIN_CONFIDENCE", "1", "min_confidence", 1.0),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "0.01", "max_retry_age_hours", 0.01),
        ("PIPELINE_MAX_RETRY_AGE_HOURS", "8760", "max_retry_age_hours", 8760),
        ("PIPELINE_TRIGGER", "events", "is_scheduled", False),
        ("PIPELINE_ANALYZER_OPTIONS", "{}", "analyzer_options", {}),
    ],
)
def test_the_ends_of_a_range_are_in_it(name: str, value: str, field: str, read: Any) -> None:
    assert getattr(Settings.load(ENVIRONMENT | {name: value}), field) == read


def test_several_wrong_settings_are_named_in_one_error() -> None:
    with pytest.raises(SettingsError) as error:
        Settings.load(ENVIRONMENT | {"PIPELINE_CLIENT_ID": "", "PIPELINE_TRIGGER": "x"})
    assert str(error.value) == "PIPELINE_CLIENT_ID is not set; PIPELINE_TRIGGER is 'x', not events or schedule"


def test_a_setting_that_nothing_reads_is_logged_and_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """A deployment changes the settings before the code, so the old code meets the new settings."""
    Settings.load(ENVIRONMENT)
    assert caplog.messages == []
    Settings.load(ENVIRONMENT | {"PIPELINE_NEW": "1", "PIPELINE_OLD": "", "OTHER": "x"})
    assert caplog.record_tuples == [("common", logging.WARNING, "unknown app settings: PIPELINE_NEW, PIPELINE_OLD")]


def test_every_setting_has_a_description() -> None:
    (_,), definitions = msgspec.json.schema_components([Settings])
    properties = definitions["Settings"]["properties"]
    assert set(properties) == set(ENVIRONMENT)
    assert [name for name, schema in properties.items() if not schema.get("description")] == []
