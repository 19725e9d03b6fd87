"""The commands of make that need no stack, with small parameters: each runs, and prints its figures as JSON."""

import json
import subprocess
from typing import Any

import pytest

from tests.e2e.conftest import Checkout, copy_working_tree

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """A checkout without an emulator."""
    return copy_working_tree(tmp_path_factory.mktemp("commands") / "pipeline")


def parsed(result: subprocess.CompletedProcess[str]) -> Any:
    """What a command prints as JSON."""
    return json.loads(result.stdout)


def test_simulate(tree: Checkout) -> None:
    simulated = parsed(tree.make("simulate", "SIZE_DIVISOR=4", "FORMAT=json"))
    assert [(pool["accounts"], pool["images"], pool["poison"]) for pool in simulated["backlogs"]] == [
        (accounts, 50_000, 0) for accounts in (1, 2, 4)
    ]
    assert all(pool["use_percent"] >= 90 and pool["throttled_percent"] <= 5 for pool in simulated["backlogs"])
    assert [outage["service"] for outage in simulated["outages"]] == ["vision", "cosmos", "topic"]
    for outage in simulated["outages"]:
        assert outage["images"] == 6076
        assert (outage["poison"], outage["failed"]) == (0, 0)
        assert outage["calls_percent"] <= 5
        assert outage["ratio"] <= 1.3


def test_stateful_test(tree: Checkout) -> None:
    assert "2 passed" in tree.make("stateful-test", "EXAMPLES=1").stdout


def test_mutants(tree: Checkout) -> None:
    mutants = parsed(tree.make("mutants", "MODULES=policy/secrets.py", "SAMPLE=1", "FORMAT=json"))
    assert [(one["module"], one["mutants"]) for one in mutants["modules"]] == [("policy/secrets.py", 1)]


def test_throughput(tree: Checkout) -> None:
    throughput = parsed(tree.make("throughput", "RUNS=1", "IMAGES_COUNT=100", "FORMAT=json", check=False))
    assert throughput["memory MB"] < 2048
    assert throughput["ratio"] < 2.5
    assert throughput["images a second"] > 0


def test_bench_api(tree: Checkout) -> None:
    api = parsed(tree.make("bench-api", "RUNS=3", "FORMAT=json"))
    assert 0 < api["ratio"] <= 2
    assert 0 < api["CPU ms of get_configuration"] < api["CPU ms of get_image"] < api["CPU ms of list_images, 25"]
    assert api["package MB"] < 25


def test_bombs(tree: Checkout) -> None:
    bombs = parsed(tree.make("bombs", "RUNS=1", "FORMAT=json", check=False))
    assert len(bombs) > 30
    assert {name for name, one in bombs.items() if one["memory_mb"] > 64} == set()


def test_accuracy(tree: Checkout) -> None:
    accuracy = parsed(tree.make("accuracy", "FORMAT=json"))
    assert accuracy["after"]["right"] > accuracy["before"]["right"]


def test_structure(tree: Checkout) -> None:
    structure = parsed(tree.make("structure", "FORMAT=json"))
    assert {goal["name"]: goal["violations"] for goal in structure["goals"]}["import cycles in the whole project"] == []


def test_scan(tree: Checkout) -> None:
    result = tree.make("scan", "FORMAT=json")
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert [row["network"] for row in rows] == ["public", "private"]
    assert [(row["failed"], row["stale"]) for row in rows] == [(0, 0), (0, 0)]


def test_cost(tree: Checkout) -> None:
    report = parsed(tree.make("cost", "STACK=prod", "FORMAT=json"))
    assert report["stack"] == "prod"
    assert 100_000 < report["monthlyCost"]["low"] < report["monthlyCost"]["high"]
