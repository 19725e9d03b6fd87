"""The back-end API on the deployed local stack: an image's life through it, and what each right is for."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.emulator

CAT = Path(str(files("skimage.data") / "chelsea.png"))
# Sends the requests in a file to the API, as the user that runs it, and prints the answers.
CLIENT = """
import json, subprocess, sys
import requests
from azure.identity import DefaultAzureCredential
from client.stack_outputs import read_stack_outputs
outputs = read_stack_outputs("local")
token = DefaultAzureCredential().get_token(f"{outputs.api_client_id}/.default").token
origin = outputs.image_api_url.removesuffix("/api")
for request in json.loads(sys.argv[1]):
    url = request["url"] if request["url"].startswith("https:") else origin + request["url"]
    headers = dict(request.get("headers", {}))
    if url.startswith(origin):
        headers["Authorization"] = f"Bearer {token}"
    data = open(request["file"], "rb").read() if "file" in request else None
    response = requests.request(request["method"], url, headers=headers, json=request.get("json"), data=data)
    body = response.text if len(response.content) < 20000 else ""
    print(json.dumps({"status": response.status_code, "headers": dict(response.headers), "body": body}))
"""
UPLOAD = {"contentType": "image/png", "sizeBytes": 3, "onConflict": "suffix"}


def send(stack: Checkout, *requests: dict[str, Any], user: str = "operator") -> list[dict[str, Any]]:
    """Send requests as a user of the emulator, and return status, headers and body of each answer."""
    command = ["exec", "--user", user, "--", "python", "-c", CLIENT, json.dumps(requests)]
    result = stack.emulator(*command)
    assert result.returncode == 0, result.stderr[-2000:]
    return [json.loads(line) for line in result.stdout.splitlines()]


def parsed(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def upload(stack: Checkout, name: str, path: Path) -> dict[str, Any]:
    """Upload a file through the API, and return the permission that it was uploaded with."""
    request = {"name": name, "contentType": "image/png", "sizeBytes": path.stat().st_size, "onConflict": "suffix"}
    (answer,) = send(stack, {"method": "POST", "url": "/api/uploads", "json": request}, user="uploader")
    assert answer["status"] == 201, answer
    permission = parsed(answer)
    headers = {header["name"]: header["value"] for header in permission["headers"]}
    put = {"method": "PUT", "url": permission["url"], "headers": headers, "file": str(path)}
    first, second = send(stack, put, put, user="uploader")
    assert first["status"] == 201, first
    assert (second["status"], second["headers"]["x-ms-error-code"]) == (403, "UnauthorizedBlobOverwrite")
    return permission


def wait(stack: Checkout, url: str, status: int) -> dict[str, Any]:
    """Send a request until it has this status, for a minute."""
    for _ in range(60):
        (answer,) = send(stack, {"method": "GET", "url": url})
        if answer["status"] == status:
            return answer
        time.sleep(1)
    raise AssertionError(answer)


def test_an_image_is_uploaded_searched_and_deleted(local_stack: Checkout) -> None:
    permission = upload(local_stack, "api/cat é.png", CAT)
    record = wait(local_stack, permission["statusUrl"], 200)
    assert parsed(record)["category"]["name"] == "cat"
    assert "RU" in record["headers"]["Server-Timing"]
    unchanged, labels, search, nothing, content = send(
        local_stack,
        {"method": "GET", "url": permission["statusUrl"], "headers": {"If-None-Match": record["headers"]["ETag"]}},
        {"method": "GET", "url": "/api/images?label=cat&minConfidence=0.5"},
        {"method": "GET", "url": "/api/images?q=a%20cat"},
        {"method": "GET", "url": "/api/images?q=submarine"},
        {"method": "GET", "url": f"/api/images/{permission['id']}/content"},
    )
    assert unchanged["status"] == 304
    assert permission["id"] in {item["id"] for item in parsed(labels)["items"]}
    item = next(item for item in parsed(search)["items"] if item["id"] == permission["id"])
    assert item["matches"][0]["text"] == "cat"
    assert parsed(nothing)["items"] == []
    (file,) = send(local_stack, {"method": "GET", "url": parsed(content)["url"]})
    assert (file["status"], file["headers"]["Content-Type"]) == (200, "image/png")
    (deletion,) = send(local_stack, {"method": "DELETE", "url": f"/api/images/{permission['id']}"})
    assert deletion["status"] == 202
    wait(local_stack, f"/api/images/{permission['id']}", 404)


def test_a_file_that_is_no_image_ends_rejected(local_stack: Checkout, tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    page.write_bytes(b"<html><script>alert(1)</script></html>")
    permission = upload(local_stack, "api/page.png", page)
    record = parsed(wait(local_stack, permission["statusUrl"], 200))
    assert (record["status"], record["reason"]["code"]) == ("rejected", "NotAnImage")


@pytest.mark.parametrize(("user", "status"), [("guest", 403), ("reader", 403), ("uploader", 201)])
def test_the_deployed_app_roles_decide_who_uploads(local_stack: Checkout, user: str, status: int) -> None:
    (answer,) = send(
        local_stack, {"method": "POST", "url": "/api/uploads", "json": UPLOAD | {"name": "x.png"}}, user=user
    )
    assert answer["status"] == status


def test_search_and_token_are_commands(local_stack: Checkout) -> None:
    result = local_stack.make("search", "Q=cat", "FORMAT=json")
    assert all("cat" in json.dumps(json.loads(line)["matches"]) for line in result.stdout.splitlines())
    assert local_stack.make("token", "ROLE=reader").stdout.count(".") == 2


# A role assignment of the API's identity by its logical name, the operations that break without it, and the action that
# the problem names.
RIGHTS = [
    ("api-query-of-records-images", {"list", "get"}, "Microsoft.DocumentDB/databaseAccounts/"),
    ("api-storage-blob-delegator-on-images-account", {"upload", "content", "list"}, "generateUserDelegationKey/action"),
    ("api-image-creator-on-images-container", {"upload"}, "containers/blobs/add/action"),
    ("api-storage-blob-data-reader-on-images-container", {"upload", "content"}, "containers/blobs/read"),
]


@contextmanager
def without(stack: Checkout, name: str) -> Iterator[None]:
    """The stack without one role assignment. All apps start anew, so that no key is remembered."""
    urns = stack.emulator("pulumi", "--", "local", "stack", "--show-urns").stdout
    (urn,) = {word for word in urns.split() if word.startswith("urn:") and word.endswith(f"::{name}")}
    options = ["--yes", "--skip-preview", "--target", urn]
    result = stack.emulator("pulumi", "--", "local", "destroy", *options)
    assert result.returncode == 0, result.stdout[-2000:]
    stack.emulator("stop")
    assert stack.emulator("start").returncode == 0
    try:
        yield
    finally:
        result = stack.emulator("pulumi", "--", "local", "up", *options)
        assert result.returncode == 0, result.stdout[-2000:]


@pytest.mark.parametrize(("name", "broken", "action"), RIGHTS)
def test_without_a_right_exactly_its_operations_break(
    local_stack: Checkout, name: str, broken: set[str], action: str
) -> None:
    permission = upload(local_stack, "api/right.png", CAT)
    wait(local_stack, permission["statusUrl"], 200)
    operations = {
        "get": {"method": "GET", "url": f"/api/images/{permission['id']}"},
        "content": {"method": "GET", "url": f"/api/images/{permission['id']}/content"},
        "list": {"method": "GET", "url": "/api/images?limit=1"},
    }
    with without(local_stack, name):
        answers = dict(zip(operations, send(local_stack, *operations.values()), strict=True))
        answers["upload"] = send(
            local_stack,
            {"method": "POST", "url": "/api/uploads", "json": UPLOAD | {"name": f"{name}.png"}},
            user="uploader",
        )[0]
    problems = {operation: parsed(answer) for operation, answer in answers.items() if answer["status"] >= 400}
    assert problems.keys() == broken
    for problem in problems.values():
        assert problem["code"] == "accessDenied"
        assert action in problem["detail"]
