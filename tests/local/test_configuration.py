"""host.json and connections: read strictly, so that nothing is silently ignored."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.services.functions.configuration import (
    ConfigurationError,
    QueueConnection,
    connection,
    read_host_json,
    resolve,
)
from tests.conftest import ROOT

CONNECTION = {"IMAGES__queueServiceUri": "https://q", "IMAGES__credential": "managedidentity", "IMAGES__clientId": "c"}


def test_our_own_host_json_is_understood() -> None:
    options = read_host_json(ROOT / "functions/host.json", {})
    assert options.queues.max_dequeue_count == 6
    assert options.queues.retry_visibility_seconds == 30
    assert options.timeout_seconds == 540


def test_defaults_are_azures(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    queues = read_host_json(tmp_path / "host.json", {}).queues
    assert (queues.batch_size, queues.new_batch_threshold, queues.max_polling_seconds) == (16, 8, 60)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"version": "1.0"}, "version is '1.0'"),
        ({"version": "2.0", "singleton": {}}, "does not support singleton"),
        ({"version": "2.0", "extensions": {"blobs": {}}}, "does not support blobs"),
        ({"version": "2.0", "extensions": {"queues": {"batchsize": 1}}}, "does not support batchsize"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}, "allowed: 1 to 32"),
        ({"version": "2.0", "extensions": {"queues": {"messageEncoding": "none"}}}, "base64 only"),
        ({"version": "2.0", "functionTimeout": "5 minutes"}, "not a time span"),
    ],
)
def test_what_the_host_would_ignore_is_refused(tmp_path: Path, document: dict[str, Any], said: str) -> None:
    (tmp_path / "host.json").write_text(json.dumps(document))
    with pytest.raises(ConfigurationError, match=said):
        read_host_json(tmp_path / "host.json", {})


def test_an_app_setting_overrides_host_json() -> None:
    prefix = "AzureFunctionsJobHost__extensions__queues__"
    options = read_host_json(ROOT / "functions/host.json", {f"{prefix}batchSize": "7", "OTHER": "x"})
    assert options.queues.batch_size == 7
    with pytest.raises(ConfigurationError, match="does not support batchsize"):
        read_host_json(ROOT / "functions/host.json", {f"{prefix}batchsize": "7"})


def test_settings_are_put_into_bindings() -> None:
    assert resolve("a-%X%-b", {"X": "queue"}) == "a-queue-b"
    with pytest.raises(ConfigurationError, match="app setting Y, which is not set"):
        resolve("%Y%", {})


def test_a_connection_is_by_identity_or_refused() -> None:
    assert connection("IMAGES", CONNECTION) == QueueConnection(service_uri="https://q", client_id="c")
    with pytest.raises(ConfigurationError, match="IMAGES__clientId"):
        connection("IMAGES", {key: value for key, value in CONNECTION.items() if "client" not in key})
    with pytest.raises(ConfigurationError, match="connection string"):
        connection("IMAGES", CONNECTION | {"IMAGES": "AccountKey=x"})
    with pytest.raises(ConfigurationError, match="not 'managedidentity'"):
        connection("IMAGES", CONNECTION | {"IMAGES__credential": "key"})
