"""Sign-in to the deployed local stack: each user of the emulator may do what the deployed app roles allow."""

import json

import pytest

from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.emulator

# Requests `redrive` as the user who is signed in; prints the status, or the code of the refused sign-in.
REDRIVE = """
import json, re, subprocess, requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential
outputs = json.loads(subprocess.check_output(["pulumi", "stack", "output", "--json", "--stack", "local"]))
try:
    token = DefaultAzureCredential().get_token(outputs["apiClientId"] + "/.default").token
except ClientAuthenticationError as error:
    print(json.dumps({"refusal": re.search("AADSTS[0-9]+", error.message)[0]}))
else:
    headers = {"Authorization": "Bearer " + token}
    response = requests.post(outputs["apiUrl"] + "/redrive", headers=headers, timeout=60)
    print(json.dumps({"status": response.status_code, "body": response.json()}))
"""


@pytest.mark.parametrize(
    ("user", "answer"),
    [
        ("operator", {"status": 200, "body": {"redriven": 0, "kept": 0, "finished": True, "queue": "images"}}),
        ("reader", {"status": 403, "body": {"error": "the caller does not have the app role Pipeline.Operate"}}),
        ("uploader", {"status": 403, "body": {"error": "the caller does not have the app role Pipeline.Operate"}}),
        ("guest", {"refusal": "AADSTS50105"}),
    ],
)
def test_only_an_operator_redrives(local_stack: Checkout, user: str, answer: dict[str, object]) -> None:
    result = local_stack.emulator("exec", "--user", user, "--", "python", "-c", REDRIVE)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == answer
