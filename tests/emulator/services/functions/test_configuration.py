"""host.json and connections: read strictly, so that nothing is silently ignored."""

import json
from pathlib import Path

import pytest

from emulator.services.functions.configuration import (
    ConfigurationError,
    HostOptions,
    QueueConnection,
    read_connection,
    read_host_json,
    resolve,
)
from tests.conftest import ROOT

CONNECTION = {"IMAGES__queueServiceUri": "https://q", "IMAGES__credential": "managedidentity", "IMAGES__clientId": "c"}


def test_our_own_host_json_is_understood() -> None:
    options = read_host_json(ROOT / "functions/pipeline/host.json", {})
    assert options.queues.max_dequeue_count == 6
    assert options.queues.retry_visibility_seconds == 30
    assert options.timeout_seconds == 540
    assert options.has_extension_bundle


def test_defaults_are_azures(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    queues = read_host_json(tmp_path / "host.json", {}).queues
    assert (queues.batch_size, queues.new_batch_threshold, queues.max_polling_seconds) == (16, 8, 60)


def read(folder: Path, document: object, **settings: str) -> HostOptions:
    (folder / "host.json").write_text(json.dumps(document))
    return read_host_json(folder / "host.json", settings)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], r"Expected `object`, got `array`"),
        ({}, r"missing required field `version`"),
        ({"version": "1.0"}, r"'1\.0' - at `\$\.version`"),
        ({"version": "2.0", "singletons": {}}, r"unknown field `singletons`"),
        ({"version": "2.0", "singleton": {}}, r"does not support singleton"),
        ({"version": "2.0", "extensions": {"blob": {}}}, r"unknown field `blob` - at `\$\.extensions`"),
        ({"version": "2.0", "extensions": {"blobs": {}}}, r"does not support extensions\.blobs"),
        ({"version": "2.0", "extensions": {"queues": {"batchsize": 1}}}, r"unknown field `batchsize`"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}, r"<= 32 - at .*batchSize"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": "16"}}}, r"Expected `int`, got `str`"),
        ({"version": "2.0", "extensions": {"queues": {"maxPollingInterval": 2000}}}, r"Expected `str`, got `int`"),
        ({"version": "2.0", "extensions": {"queues": {"messageEncoding": "none"}}}, r"base64 only"),
        ({"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf8"}}}, r"'utf8'"),
        ({"version": "2.0", "functionTimeout": "5 minutes"}, r"at `\$\.functionTimeout`"),
        ({"version": "2.0", "functionTimeout": "-1"}, r"does not support a functionTimeout of -1"),
        ({"version": "2.0", "logging": {"logLevel": {"default": "Info"}}}, r"'Info' - at `\$\.logging\.logLevel"),
        ({"version": "2.0", "logging": {"loglevel": {}}}, r"unknown field `loglevel`"),
        ({"version": "2.0", "logging": {"console": {}}}, r"does not support logging\.console"),
        (
            {"version": "2.0", "logging": {"applicationInsights": {"samplingSettings": {"isEnabled": "yes"}}}},
            r"Expected `bool`, got `str`",
        ),
        (
            {"version": "2.0", "logging": {"applicationInsights": {"samplingSettings": {"excludedTypes": "Errors"}}}},
            r"excludedTypes",
        ),
    ],
)
def test_a_host_json_that_the_schema_or_the_emulator_does_not_know_is_refused(
    tmp_path: Path, document: object, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, document)


def test_a_host_json_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(ConfigurationError, match="Unable to parse host configuration file"):
        read_host_json(tmp_path / "host.json", {})


@pytest.mark.parametrize("version", ["[4.*, 5.0.0)", "[4.0.0, 5.0.0)"])
def test_the_documented_extension_bundle_is_accepted(tmp_path: Path, version: str) -> None:
    extension_bundle = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": version}
    assert read(tmp_path, {"version": "2.0", "extensionBundle": extension_bundle}).has_extension_bundle
    assert not read(tmp_path, {"version": "2.0"}).has_extension_bundle


@pytest.mark.parametrize(
    ("extension_bundle", "message"),
    [
        ({}, "value of version property in extensionBundle section of host.json file is invalid or missing"),
        ({"id": "Microsoft.Azure.Functions.ExtensionBundle"}, "value of version property"),
        ({"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "4.x"}, "value of version property"),
        ({"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0"}, "value of version property"),
        ({"version": "[4.*, 5.0.0)"}, "value of id property"),
        ({"id": "Extension Bundle", "version": "[4.*, 5.0.0)"}, "value of id property"),
        (
            {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[2.*, 3.0.0)"},
            "supports the extension bundle",
        ),
        ({"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "4.0.0"}, "supports the extension bundle"),
        (
            {"id": "Microsoft.Azure.Functions.ExtensionBundle.Preview", "version": "[4.*, 5.0.0)"},
            "supports the extension bundle",
        ),
        ({"id": "Microsoft.Azure.Functions.ExtensionBundle", "ver": "[4.*, 5.0.0)"}, "unknown field `ver`"),
    ],
)
def test_another_extension_bundle_is_refused(tmp_path: Path, extension_bundle: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read(tmp_path, {"version": "2.0", "extensionBundle": extension_bundle})


def test_an_app_setting_overrides_host_json() -> None:
    prefix = "AzureFunctionsJobHost__extensions__queues__"
    path = ROOT / "functions/pipeline/host.json"
    options = read_host_json(path, {f"{prefix}batchSize": "7", f"{prefix}maxPollingInterval": "00:00:00.500"})
    assert (options.queues.batch_size, options.queues.max_polling_seconds) == (7, 0.5)
    sampling = "AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__isEnabled"
    assert read_host_json(path, {sampling: "false", "OTHER": "x"}).timeout_seconds == 540


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("extensions__queues__batchsize", "7", "unknown field `batchsize`"),
        ("extensions__queues__batchSize", "many", "Expected `int`, got `str`"),
        ("extensionBundle__version", "latest", "value of version property"),
        ("version__major", "2", "version of host.json is not an object"),
    ],
)
def test_an_app_setting_that_does_not_fit_host_json_is_refused(setting: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_host_json(ROOT / "functions/pipeline/host.json", {f"AzureFunctionsJobHost__{setting}": value})


def test_settings_are_put_into_bindings() -> None:
    assert resolve("a-%X%-b", {"X": "queue"}) == "a-queue-b"
    with pytest.raises(ConfigurationError, match="app setting Y, which is not set"):
        resolve("%Y%", {})


def test_a_connection_is_by_identity_or_refused() -> None:
    assert read_connection("IMAGES", CONNECTION) == QueueConnection(service_uri="https://q", client_id="c")
    with pytest.raises(ConfigurationError, match="IMAGES__clientId"):
        read_connection("IMAGES", {key: value for key, value in CONNECTION.items() if "client" not in key})
    with pytest.raises(ConfigurationError, match="connection string"):
        read_connection("IMAGES", CONNECTION | {"IMAGES": "AccountKey=x"})
    with pytest.raises(ConfigurationError, match="not 'managedidentity'"):
        read_connection("IMAGES", CONNECTION | {"IMAGES__credential": "key"})
