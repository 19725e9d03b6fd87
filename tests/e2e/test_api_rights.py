"""The rights of the back-end API's identity on the deployed local stack: what breaks without each of them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_api import CAT, UPLOAD, parsed, send, upload, wait

pytestmark = pytest.mark.emulator

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


def exchange_rights(
    stack: Checkout, *, restored: tuple[str, str] | None = None, removed: tuple[str, str] | None = None
) -> tuple[str, str] | None:
    """Put one role assignment back into the emulator's database, and take another one of the API's identity out of it.

    The emulator is stopped meanwhile, and starts with new processes, so that no key is remembered.

    Args:
        stack: The checkout.
        restored: The row of an assignment that was taken out.
        removed: Type and role of the assignment to take out.

    Returns:
        The row that was taken out, to restore it; None without `removed`.
    """
    row = None
    stack.emulator("stop")
    with closing(sqlite3.connect(stack.root / ".local/data/resources.db", isolation_level=None)) as database:
        if restored is not None:
            database.execute("INSERT INTO resources(key, body) VALUES(?, ?)", restored)
        if removed is not None:
            row = _find_assignment(database, *removed)
            database.execute("DELETE FROM resources WHERE key = ?", (row[0],))
    stack.start_emulator()
    return row


def _find_assignment(database: sqlite3.Connection, type_name: str, role: str) -> tuple[str, str]:
    """The row of a role assignment of the API's identity."""
    rows = database.execute("SELECT key, body FROM resources").fetchall()
    resources = {key: json.loads(body) for key, body in rows}
    (principal,) = (
        resource["outputs"]["principalId"]
        for key, resource in resources.items()
        if "userassignedidentities/id-api-" in key
    )
    own_roles = {
        str(resource["inputs"]["roleName"]): resource["inputs"]["roleDefinitionId"]
        for resource in resources.values()
        if "roleName" in resource["inputs"]
    }
    definition = next((own_roles[name] for name in own_roles if role and role in name), role)
    (row,) = [row for row in rows if is_right(resources[row[0]], principal, type_name, definition)]
    return row


@contextmanager
def without(stack: Checkout, type_name: str, role: str) -> Iterator[None]:
    """The stack without one role assignment of the API's identity."""
    row = exchange_rights(stack, removed=(type_name, role))
    try:
        yield
    finally:
        exchange_rights(stack, restored=row)


@pytest.fixture(scope="module")
def answers_without(local_stack: Checkout) -> dict[str, dict[str, dict[str, Any]]]:
    """The answers to each operation, by the right that the API's identity did not have. One start for each right."""
    permission = upload(local_stack, "api/right.png", CAT)
    wait(local_stack, permission["statusUrl"], 200)
    operations = {
        "get": {"method": "GET", "url": f"/api/images/{permission['id']}"},
        "content": {"method": "GET", "url": f"/api/images/{permission['id']}/content"},
        "list": {"method": "GET", "url": "/api/images?limit=1"},
    }
    request = {"method": "POST", "url": "/api/uploads", "json": UPLOAD | {"name": "rights.png"}}
    answers: dict[str, dict[str, dict[str, Any]]] = {}
    row = None
    try:
        for type_name, role, _, _ in RIGHTS:
            row = exchange_rights(local_stack, restored=row, removed=(type_name, role))
            answers[role] = dict(zip(operations, send(local_stack, *operations.values()), strict=True))
            (answers[role]["upload"],) = send(local_stack, request, user="uploader")
    finally:
        exchange_rights(local_stack, restored=row)
    return answers


@pytest.mark.parametrize(("type_name", "role", "broken", "action"), RIGHTS)
def test_without_a_right_exactly_its_operations_break(
    answers_without: dict[str, dict[str, dict[str, Any]]], type_name: str, role: str, broken: set[str], action: str
) -> None:
    del type_name
    answers = answers_without[role]
    problems = {operation: parsed(answer) for operation, answer in answers.items() if answer["status"] >= 400}
    assert problems.keys() == broken
    for problem in problems.values():
        assert problem["code"] == "accessDenied"
        assert action in problem["detail"]
