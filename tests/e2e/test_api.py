"""The back-end API on the deployed local stack: an image's life through it, and what each right is for."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_local_stack import COFFEE, picture

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
    answer: dict[str, Any] = {}
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


# For each right of the API's identity: how the role assignment is recognized, the operations that break without it, and
# the action that the problem names. A role is the id of a built-in one, or the title of one of the stack's.
DELEGATOR, READER = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
RIGHTS = [
    ("SqlRoleAssignment", "", {"list", "get", "content"}, "Microsoft.DocumentDB/databaseAccounts/"),
    ("authorization:RoleAssignment", DELEGATOR, {"upload", "content", "list"}, "generateUserDelegationKey/action"),
    ("authorization:RoleAssignment", "Image Creator", {"upload"}, "containers/blobs/add/action"),
    ("authorization:RoleAssignment", READER, {"upload", "content"}, "containers/blobs/read"),
]


def is_right(resource: dict[str, Any], principal: str, type_name: str, definition: str) -> bool:
    """Whether a resource is the assignment of a role to a principal."""
    if not resource["type"].endswith(type_name) or resource["inputs"].get("principalId") != principal:
        return False
    return resource["inputs"]["roleDefinitionId"].endswith(definition)


@contextmanager
def without(stack: Checkout, type_name: str, role: str) -> Iterator[None]:
    """The stack without one role assignment of the API's identity.

    The emulator is stopped while the assignment is taken out of its database, and starts with new processes, so that no
    key is remembered.
    """
    path = stack.root / ".local/data/resources.db"
    stack.emulator("stop")
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        rows = [(key, json.loads(body)) for key, body in database.execute("SELECT key, body FROM resources")]
        (principal,) = (
            resource["outputs"]["principalId"] for key, resource in rows if "userassignedidentities/id-api-" in key
        )
        own_roles = {
            str(resource["inputs"]["roleName"]): resource["inputs"]["roleDefinitionId"]
            for _, resource in rows
            if "roleName" in resource["inputs"]
        }
        definition = next((own_roles[name] for name in own_roles if role and role in name), role)
        (row,) = [row for row in rows if is_right(row[1], principal, type_name, definition)]
        database.execute("DELETE FROM resources WHERE key = ?", (row[0],))
    assert stack.emulator("start").returncode == 0
    try:
        yield
    finally:
        stack.emulator("stop")
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("INSERT INTO resources(key, body) VALUES(?, ?)", (row[0], json.dumps(row[1])))
        assert stack.emulator("start").returncode == 0


@pytest.mark.parametrize(("type_name", "role", "broken", "action"), RIGHTS)
def test_without_a_right_exactly_its_operations_break(
    local_stack: Checkout, type_name: str, role: str, broken: set[str], action: str
) -> None:
    permission = upload(local_stack, "api/right.png", CAT)
    wait(local_stack, permission["statusUrl"], 200)
    operations = {
        "get": {"method": "GET", "url": f"/api/images/{permission['id']}"},
        "content": {"method": "GET", "url": f"/api/images/{permission['id']}/content"},
        "list": {"method": "GET", "url": "/api/images?limit=1"},
    }
    with without(local_stack, type_name, role):
        answers = dict(zip(operations, send(local_stack, *operations.values()), strict=True))
        answers["upload"] = send(
            local_stack,
            {"method": "POST", "url": "/api/uploads", "json": UPLOAD | {"name": "rights.png"}},
            user="uploader",
        )[0]
    problems = {operation: parsed(answer) for operation, answer in answers.items() if answer["status"] >= 400}
    assert problems.keys() == broken
    for problem in problems.values():
        assert problem["code"] == "accessDenied"
        assert action in problem["detail"]
