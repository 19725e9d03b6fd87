"""`embeddings` turned on for a stack that was made without: refused at preview, with a way out that works."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from tests.e2e.conftest import Checkout, copy_working_tree
from tests.e2e.test_local_stack import picture, steps

pytestmark = pytest.mark.emulator

CAT = Path(str(files("skimage.data") / "chelsea.png"))
READ_RECORD = """
import json, subprocess, time
from azure.cosmos import CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.identity import DefaultAzureCredential
outputs = json.loads(subprocess.check_output(
    ["pulumi", "stack", "output", "--json", "--stack", "local"], text=True))
images = CosmosClient(outputs["recordsEndpoint"], DefaultAzureCredential()).get_database_client(
    "pipeline").get_container_client("images")
end = time.monotonic() + 90
while time.monotonic() < end:
    try:
        print(json.dumps(images.read_item(ID, ID)))
        break
    except CosmosResourceNotFoundError:
        time.sleep(0.5)
"""


def configure(checkout: Checkout, *features: str) -> None:
    """Change the features of the local stack; reconcile runs every five seconds."""
    stack = checkout.root / "stacks/Pulumi.local.yaml"
    text = re.sub(r"(?m)^( +image-pipeline:features:).*$", rf"\1 [{', '.join(features)}]", stack.read_text())
    if "reconcileSchedule" not in text:
        text += '  image-pipeline:reconcileSchedule: "*/5 * * * * *"\n'
    stack.write_text(text)


@pytest.fixture(scope="module")
def without_embeddings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A checkout of its own with a stack without embeddings."""
    checkout = copy_working_tree(tmp_path_factory.mktemp("embeddings") / "pipeline")
    configure(checkout, "tags")
    checkout.start_emulator()
    checkout.deploy("--skip-preview")
    yield checkout
    checkout.make("clean", check=False)


def test_the_refusal_and_the_way_out(without_embeddings: Checkout) -> None:
    checkout = without_embeddings
    picture(checkout.root, "before.png", CAT)
    (before,) = checkout.classify("before.png")
    configure(checkout, "tags", "embeddings")

    failure = checkout.deploy(check=False)
    assert failure.returncode != 0
    output = failure.stdout + failure.stderr
    assert "the container was created with no vectors, and now has to have the vectors /vector and /vector2" in output
    way_out = re.search(r"`pulumi up --replace '(urn:pulumi:local::[^']+::records-images)'`", output)
    assert way_out is not None
    assert not steps(failure.stdout)["updated"]

    # As the message says: the records are lost, and a backfill makes them anew out of the blobs.
    command = ["exec", "--", "pulumi", "up", "--stack", "local", "--yes", "--skip-preview", "--replace", way_out[1]]
    replaced = checkout.emulator(*command)
    assert replaced.returncode == 0, replaced.stdout[-4000:] + replaced.stderr[-4000:]
    picture(checkout.root, "after.png", CAT, width=200)
    (after,) = checkout.classify("after.png")
    answer = checkout.python(f"ID = {after['record']['id']!r}\n{READ_RECORD}")
    assert len(json.loads(answer.stdout)["vector"]) == 1024
    assert json.loads(checkout.make("backfill", "FORMAT=json").stdout).keys() == {"backfill"}
    answer = checkout.python(f"ID = {before['record']['id']!r}\n{READ_RECORD}")
    record = json.loads(answer.stdout)
    assert record["blob"]["etag"] == before["record"]["blob"]["etag"]
    assert len(record["vector"]) == 1024
    assert set(steps(checkout.deploy("--skip-preview").stdout)) == {"unchanged"}
