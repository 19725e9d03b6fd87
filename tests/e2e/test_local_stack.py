"""What a user sees: the README's commands, on real photos, against the real engine."""

import fcntl
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
from collections import Counter
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import pytest
from PIL import Image

from emulator.core.state_directory import StateDirectory
from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.emulator

CAT = Path(str(files("skimage.data") / "chelsea.png"))
COFFEE = Path(str(files("skimage.data") / "coffee.png"))
RECORD = {
    "id",
    "schemaVersion",
    "stamp",
    "status",
    "reason",
    "blob",
    "eventId",
    "sequencer",
    "copy",
    "image",
    "tags",
    "labels",
    "category",
    "caption",
    "denseCaptions",
    "objects",
    "people",
    "read",
    "smartCrops",
    "text",
    "analyzer",
    "timings",
    "attempts",
    "processedAt",
}
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "ICO")


def steps(output: str) -> Counter[str]:
    """How many resources were `created`, `updated`, `unchanged` and so on, as the update's own summary says."""
    summary = output.partition("Updating (")[2].partition("Resources:")[2].partition("Duration")[0]
    return Counter({word: int(count) for count, word in re.findall(r"(\d+) (\w+)", summary)})


def picture(folder: Path, name: str, source: Path = COFFEE, *, width: int = 240, kind: str | None = None) -> str:
    """A real photo, made smaller, under a name below `folder`."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(source) as image:
        image.convert("RGB").resize((width, width * image.height // image.width)).save(path, format=kind)
    return name


def test_the_first_up_classifies_the_sample_photos(first_up: subprocess.CompletedProcess[str]) -> None:
    created = steps(first_up.stdout)
    assert set(created) == {"created"}
    results = [json.loads(line) for line in first_up.stdout.splitlines() if line.startswith('{"file"')]
    assert len(results) >= 6
    assert {result["status"] for result in results} == {"classified"}
    cat = next(result["record"] for result in results if result["file"].endswith("chelsea.png"))
    assert cat["category"]["name"] == "cat"
    assert {"Egyptian cat", "animal"} <= set(cat["labels"])
    assert all(set(result["record"]) == RECORD for result in results)
    yamaha = next(result["record"] for result in results if "motorcycle" in result["file"])
    assert "YAMAHA" in {line["text"] for line in yamaha["read"]}


def test_a_second_up_changes_nothing(local_stack: Checkout) -> None:
    packages = local_stack.root / ".build"
    before = {path: path.stat().st_mtime_ns for path in packages.glob("*.zip")}
    again = local_stack.make("up", "FORMAT=json")
    assert set(steps(again.stdout)) == {"unchanged"}
    assert {path: path.stat().st_mtime_ns for path in packages.glob("*.zip")} == before


def test_a_change_of_code_updates_the_release_alone_and_serves_the_next_image(local_stack: Checkout) -> None:
    models = local_stack.root / "functions/common/domain/models.py"
    original = models.read_text()
    models.write_text(original.replace("SCHEMA_VERSION = 1", "SCHEMA_VERSION = 7"))
    try:
        changed = steps(local_stack.deploy().stdout)
        assert changed["updated"] == 4  # of both apps: the package's revision, and the release
        assert set(changed) == {"updated", "unchanged"}
        picture(local_stack.root, "after the change.png")
        (result,) = local_stack.classify("after the change.png")
        assert result["record"]["schemaVersion"] == 7
    finally:
        models.write_text(original)
        local_stack.deploy("--skip-preview")


def test_every_format_is_classified(local_stack: Checkout) -> None:
    names = [picture(local_stack.root, f"formats/cat.{kind.lower()}", CAT, kind=kind) for kind in FORMATS]
    results = local_stack.classify(*names)
    assert [result["status"] for result in results] == ["classified"] * len(FORMATS)
    assert [result["record"]["image"]["format"] for result in results] == list(FORMATS)
    assert [result["record"]["category"]["name"] for result in results] == ["cat"] * len(FORMATS)


@pytest.mark.parametrize(
    "name", ["my holiday/cat 1.png", "日本/écureuil ☀.png", "a#b.png", "50%25 off 100%.png", "a+b&c=d?.png"]
)
def test_names_of_all_kinds_arrive_as_they_are(local_stack: Checkout, name: str) -> None:
    picture(local_stack.root, name)
    (result,) = local_stack.classify(name)
    assert result["status"] == "classified"
    assert result["record"]["blob"]["name"] == name


def test_a_new_upload_under_the_same_name_is_followed(local_stack: Checkout) -> None:
    picture(local_stack.root, "same.png", CAT)
    (first,) = local_stack.classify("same.png")
    picture(local_stack.root, "same.png", COFFEE)
    (second,) = local_stack.classify("same.png")
    assert first["record"]["id"] == second["record"]["id"]
    assert first["record"]["category"]["name"] == "cat"
    assert second["record"]["category"]["name"] == "coffee"
    assert second["record"]["sequencer"] > first["record"]["sequencer"]


def test_the_same_picture_is_not_analysed_twice(local_stack: Checkout) -> None:
    picture(local_stack.root, "twin 1.png", CAT, width=301)
    picture(local_stack.root, "twin 2.png", CAT, width=301)
    (first,) = local_stack.classify("twin 1.png")
    (second,) = local_stack.classify("twin 2.png")
    assert [first["record"]["analyzer"]["cached"], second["record"]["analyzer"]["cached"]] == [False, True]
    assert first["record"]["tags"] == second["record"]["tags"]


def test_what_is_no_image_is_rejected_with_the_reason(local_stack: Checkout) -> None:
    (local_stack.root / "notes.jpg").write_text("not an image")
    picture(local_stack.root, "tiny.png", width=40)
    results = local_stack.classify("notes.jpg", "tiny.png")
    assert [result["status"] for result in results] == ["rejected"] * 2
    assert [result["record"]["reason"]["code"] for result in results] == ["NotAnImage", "BadDimensions"]


def test_what_the_api_refuses_is_not_uploaded(local_stack: Checkout) -> None:
    (local_stack.root / "empty.png").write_bytes(b"")
    (local_stack.root / "notes.txt").write_text("not an image")
    results = local_stack.classify("empty.png", "notes.txt", check=False)
    assert [result["status"] for result in results] == ["unfinished"] * 2
    assert "$.sizeBytes" in results[0]["error"]
    assert "$.contentType" in results[1]["error"]


def test_a_missing_file_is_named(local_stack: Checkout) -> None:
    result = local_stack.make("classify", "IMAGES=nowhere.png", check=False)
    assert result.returncode != 0
    assert "'nowhere.png'" in result.stderr


def test_dev_can_be_planned_offline_and_its_file_stays_as_it_is(local_stack: Checkout) -> None:
    before = {path: path.read_text() for path in (local_stack.root / "stacks").iterdir()}
    preview = local_stack.make("preview", "STACK=dev")
    counts = re.findall(r"\+ (\d+) to create", preview.stdout)
    assert len(counts) == 1
    assert int(counts[0]) >= 40
    assert {path: path.read_text() for path in (local_stack.root / "stacks").iterdir()} == before


def test_the_state_holds_no_key(local_stack: Checkout) -> None:
    exported = local_stack.emulator("pulumi", "--", "local", "stack", "export")
    assert exported.returncode == 0, exported.stderr
    state = exported.stdout
    assert len(json.loads(state)["deployment"]["resources"]) > 45
    for trace in ("AccountKey=", "SharedAccessSignature", "sig=", "InstrumentationKey=", "eyJ0eXAi", "eyJhbGci"):
        assert trace not in state
    # A storage or Cosmos key is 64 bytes in base64, and stands by itself; what Pulumi encrypts is longer.
    assert not re.search(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==", state)
    for secret in local_stack.daemon["user_secrets"].values():
        assert secret not in state


def test_a_killed_daemon_is_replaced_and_nothing_is_lost(local_stack: Checkout) -> None:
    os.kill(local_stack.daemon["pid"], signal.SIGKILL)
    with StateDirectory(local_stack.root / ".local").lock.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until the process has ended
    local_stack.start_emulator()
    assert set(steps(local_stack.deploy("--skip-preview").stdout)) == {"unchanged"}
    picture(local_stack.root, "after the crash.png")
    (result,) = local_stack.classify("after the crash.png")
    assert result["status"] == "classified"


def test_every_result_was_announced_once_for_each_version(local_stack: Checkout) -> None:
    picture(local_stack.root, "announced.png", CAT, width=222)
    (result,) = local_stack.classify("announced.png")
    record = result["record"]
    with closing(sqlite3.connect(local_stack.root / ".local/data/topics.db")) as topics:
        events = [json.loads(row[0]) for row in topics.execute("SELECT event FROM published")]
    events_of_record = [event for event in events if event["data"]["recordId"] == record["id"]]
    assert {(event["type"], event["data"]["etag"]) for event in events_of_record} == {
        ("ImageClassified", record["blob"]["etag"])
    }
    assert len({event["id"] for event in events_of_record}) == 1
    assert events_of_record[0]["labels"].split(",") == record["labels"]


READ = """
import json, subprocess, sys, time
from azure.cosmos import CosmosClient
from azure.identity import DefaultAzureCredential
outputs = json.loads(subprocess.check_output(
    ["pulumi", "stack", "output", "--json", "--stack", "local"], text=True))
images = CosmosClient(outputs["recordsEndpoint"], DefaultAzureCredential()).get_database_client(
    "pipeline").get_container_client("images")
until = time.monotonic() + 90
while (record := images.read_item(ID, ID))["analyzer"]["features"] != ["tags"] and time.monotonic() < until:
    time.sleep(0.5)
print(json.dumps(record))
"""


def test_after_a_change_of_features_a_backfill_analyses_what_is_there_again(local_stack: Checkout) -> None:
    """Features and schedule change, operators ask for it, `reconcile` does it; and nothing was poison meanwhile."""
    picture(local_stack.root, "old.png", CAT, width=223)
    (before,) = local_stack.classify("old.png")
    assert before["record"]["caption"] is not None
    stack = local_stack.root / "stacks/Pulumi.local.yaml"
    original = stack.read_text()
    stack.write_text(
        re.sub(r"(?m)^( +image-pipeline:features:).*$", r"\1 [tags]", original)
        + '  image-pipeline:reconcileSchedule: "*/5 * * * * *"\n'
    )
    try:
        local_stack.deploy()
        assert json.loads(local_stack.make("backfill", "FORMAT=json").stdout).keys() == {"backfill"}
        answer = local_stack.python(f"ID = {before['record']['id']!r}\n{READ}")
        assert answer.returncode == 0, answer.stderr
        after = json.loads(answer.stdout)
    finally:
        stack.write_text(original)
    assert (after["analyzer"]["features"], after["caption"]) == (["tags"], None)
    assert after["blob"]["etag"] == before["record"]["blob"]["etag"]
    assert json.loads(local_stack.make("redrive", "FORMAT=json").stdout) == {
        "redriven": 0,
        "kept": 0,
        "finished": True,
        "queue": "images",
    }


def test_roles_are_enforced_for_the_user_too(local_stack: Checkout) -> None:
    """Without the API, the user may upload images and read records, but not even read what was uploaded."""
    answers = local_stack.python(
        """
import json, subprocess
from azure.core.exceptions import HttpResponseError
from azure.cosmos import CosmosClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
outputs = json.loads(subprocess.check_output(
    ["pulumi", "stack", "output", "--json", "--stack", "local"], text=True))
credential = DefaultAzureCredential()
blobs = BlobServiceClient(outputs["imagesEndpoint"], credential)
database = CosmosClient(outputs["recordsEndpoint"], credential).get_database_client("pipeline")
def code(call):
    try:
        call()
        return 200
    except HttpResponseError as error:
        return error.status_code
print(json.dumps({
    "images": code(lambda: blobs.get_container_client("images").upload_blob("mine.txt", b"x", overwrite=True)),
    "read image": code(lambda: blobs.get_container_client("images").download_blob("mine.txt")),
    "delete image": code(lambda: blobs.get_container_client("images").delete_blob("mine.txt")),
    "deadletter": code(lambda: blobs.get_container_client("deadletter").upload_blob("mine.txt", b"x")),
    "containers": code(lambda: list(blobs.list_containers())),
    "write record": code(lambda: database.get_container_client("images").create_item({"id": "mine"})),
    "read analyses": code(lambda: database.get_container_client("analyses").read_item("a", "a")),
    "create container": code(lambda: blobs.create_container("mine")),
}))
"""
    )
    assert answers.returncode == 0, answers.stderr
    assert json.loads(answers.stdout) == {
        "images": 200,
        "read image": 403,
        "delete image": 403,
        "deadletter": 403,
        "containers": 403,
        "write record": 403,
        "read analyses": 403,
        "create container": 403,
    }


def test_down_leaves_nothing_running_and_up_works_again(local_stack: Checkout) -> None:
    daemon = local_stack.daemon
    local_stack.make("down")
    processes = subprocess.run(
        ["pgrep", "-f", str(local_stack.root)], capture_output=True, text=True, check=False
    ).stdout
    assert processes == ""
    for port in daemon["ports"].values():
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    again = local_stack.make("up", "FORMAT=json")
    assert set(steps(again.stdout)) == {"created"}
    assert again.stdout.count('"status": "classified"') >= 6
