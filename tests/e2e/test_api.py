"""The back-end API on the deployed local stack: an image's life through it, and what each right is for."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_local_stack import COFFEE, picture

pytestmark = pytest.mark.emulator

CAT = Path(str(files("skimage.data") / "chelsea.png"))
# Sends requests to the API, as the user that runs it, and prints the answers. A request with `until` is sent again, for
# a minute, until the answer has this status.
CLIENT = """
import json, sys, time
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
    deadline = time.monotonic() + 60
    while True:
        response = requests.request(request["method"], url, headers=headers, json=request.get("json"), data=data)
        if response.status_code == request.get("until", response.status_code) or time.monotonic() > deadline:
            break
        time.sleep(0.25)
    body = response.text if len(response.content) < 20000 else ""
    names = {name.lower(): value for name, value in response.headers.items()}
    print(json.dumps({"status": response.status_code, "headers": names, "body": body}))
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


def upload(stack: Checkout, name: str, path: Path, *, stated_bytes: int | None = None) -> dict[str, Any]:
    """Upload a file through the API, and return the permission that it was uploaded with.

    Args:
        stack: The checkout.
        name: Name of the image.
        path: The file.
        stated_bytes: The size that the API is told; that of the file unless it is stated.
    """
    size = path.stat().st_size if stated_bytes is None else stated_bytes
    request = {"name": name, "contentType": "image/png", "sizeBytes": size, "onConflict": "suffix"}
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
    (answer,) = send(stack, {"method": "GET", "url": url, "until": status})
    assert answer["status"] == status, answer
    return answer


def test_an_image_is_uploaded_searched_and_deleted(local_stack: Checkout) -> None:
    permission = upload(local_stack, "api/cat é.png", CAT)
    record = wait(local_stack, permission["statusUrl"], 200)
    assert parsed(record)["category"]["name"] == "cat"
    assert "RU" in record["headers"]["server-timing"]
    unchanged, labels, search, nothing, content = send(
        local_stack,
        {"method": "GET", "url": permission["statusUrl"], "headers": {"If-None-Match": record["headers"]["etag"]}},
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
    assert (file["status"], file["headers"]["content-type"]) == (200, "image/png")
    (deletion,) = send(local_stack, {"method": "DELETE", "url": f"/api/images/{permission['id']}"})
    assert deletion["status"] == 202
    wait(local_stack, f"/api/images/{permission['id']}", 404)


def test_a_file_that_is_no_image_ends_rejected(local_stack: Checkout, tmp_path: Path) -> None:
    page = tmp_path / "page.png"
    page.write_bytes(b"<html><script>alert(1)</script></html>")
    permission = upload(local_stack, "api/page.png", page)
    record = parsed(wait(local_stack, permission["statusUrl"], 200))
    assert (record["status"], record["reason"]["code"]) == ("rejected", "NotAnImage")


def classify_as_uploader(stack: Checkout, name: str) -> dict[str, Any]:
    """`make classify` by a user who may delete nothing."""
    command = ["exec", "--user", "uploader", "--", "python", "-m", "client", "classify", "--format", "json", "--", name]
    result = stack.emulator(*command)
    assert result.returncode == 0, result.stderr[-2000:]
    return json.loads(result.stdout)


def test_who_may_delete_nothing_replaces_nothing(local_stack: Checkout) -> None:
    picture(local_stack.root, "mine.png", CAT)
    first = classify_as_uploader(local_stack, "mine.png")
    again = classify_as_uploader(local_stack, "mine.png")
    assert again["record"] == first["record"]
    picture(local_stack.root, "mine.png", COFFEE)
    other = classify_as_uploader(local_stack, "mine.png")
    assert other["record"]["category"]["name"] == "coffee"
    assert other["blob"].startswith("mine-")
    assert other["record"]["blob"]["name"] == other["blob"]
    (original,) = send(local_stack, {"method": "GET", "url": f"/api/images/{first['record']['id']}"})
    assert parsed(original)["blob"]["etag"] == first["record"]["blob"]["etag"]


def test_a_file_that_is_larger_than_stated_ends_rejected(local_stack: Checkout, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    large.write_bytes(CAT.read_bytes() + bytes(20 * 1024 * 1024))
    permission = upload(local_stack, "api/large.png", large, stated_bytes=1000)
    record = parsed(wait(local_stack, permission["statusUrl"], 200))
    assert (record["status"], record["reason"]["code"]) == ("rejected", "TooLarge")


@pytest.mark.parametrize(("user", "status"), [("reader", 403), ("operator", 403), ("uploader", 201)])
def test_the_deployed_app_roles_decide_who_uploads(local_stack: Checkout, user: str, status: int) -> None:
    (answer,) = send(
        local_stack, {"method": "POST", "url": "/api/uploads", "json": UPLOAD | {"name": "x.png"}}, user=user
    )
    assert answer["status"] == status


def test_search_and_token_are_commands(local_stack: Checkout) -> None:
    result = local_stack.make("search", "Q=cat", "FORMAT=json")
    assert all("cat" in json.dumps(json.loads(line)["matches"]) for line in result.stdout.splitlines())
    assert local_stack.make("token", "ROLE=reader").stdout.count(".") == 2
