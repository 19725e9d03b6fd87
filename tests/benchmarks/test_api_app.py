"""The benchmark of the API app: its requests, as the host passes them to the worker, and their operations."""

import asyncio
import base64
import json
from itertools import islice
from pathlib import Path

import jwt
from image_api.settings import REQUIRED

from benchmarks.api_app import Request, operation_requests
from benchmarks.api_services import serve
from infra.api_settings import API_FUNCTIONS


def test_a_request_is_data_of_an_http_trigger() -> None:
    request = Request(
        function="create_upload", path="api/uploads", method="POST", body={"name": "a", "sizeBytes": 1}, status=201
    )
    data = request.data("abc")
    assert (data["method"], data["url"]) == ("POST", "https://api.azurewebsites.net/api/uploads")
    assert data["headers"] == {"authorization": "Bearer abc", "content-type": "application/json"}
    assert json.loads(base64.b64decode(data["body"])) == {"name": "a", "sizeBytes": 1}
    assert Request(function="x", path="x", params={"id": "1"}).data("abc")["params"] == {"id": "1"}


def test_the_measured_operations_are_functions_of_the_app_and_about_what_is_stored(tmp_path: Path) -> None:
    async def run() -> None:
        async with serve(tmp_path, 3) as services:
            assert set(REQUIRED) <= services.environment.keys()
            requests = operation_requests(services)
            assert {next(of_operation).function for of_operation in requests.values()} <= set(API_FUNCTIONS)
            ids = [one.params["id"] for one in islice(requests["get_image"], 3)]
            assert set(ids) == set(services.record_ids)
            first, second = islice(requests["create_upload"], 2)
            assert first.body != second.body
            claims = jwt.decode(
                services.issue_token("caller-1"), services.key.public_key(), algorithms=["RS256"], audience="client-1"
            )
            assert (claims["oid"], claims["ver"]) == ("caller-1", "2.0")

    asyncio.run(run())
