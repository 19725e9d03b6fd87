"""The tables of commands, alerts, resources, policy rules and record fields."""

import json
import re
from typing import Any

import msgspec
import pytest
from common.domain.record import json_schema

from checks.docs.commands import commands_table, read_defaults, read_targets
from checks.docs.markdown import table
from checks.docs.operations import alerts_table, policy_rules_table, resources_table
from checks.docs.record_example import record_example
from checks.docs.record_schema import schema_table
from checks.docs.recordings import ROOT, RecordedResource, Recording

MAKEFILE = """STACK ?= local
RUNS ?= 5
export PATH := $(CURDIR)/bin

ifeq ($(STACK),local)
prefix = emulator $(if $(NETWORK),--network $(NETWORK)) --
pulumi = emulator pulumi -- $(STACK) $(1)
else
prefix =
pulumi = pulumi $(1) --stack $(STACK)
endif

help: ## print this list
\t@awk $(MAKEFILE_LIST)

##@ Use it

up: setup ## deploy
\t@$(call pulumi,up --yes)
\t@$(prefix) client $(RUNS)

soak: set = emulator
soak: setup ## run for long
\t@$(MAKE) quick

##@ Develop

lint: setup
\t@ruff

check: lint ## all checks (RUNS=5)
\t@pytest $(RUNS)
"""


def test_targets_have_their_group_description_and_variables() -> None:
    targets = [(target.name, target.group, target.description, target.variables) for target in read_targets(MAKEFILE)]
    assert targets == [
        ("help", "", "print this list", []),
        ("up", "Use it", "deploy", ["STACK", "NETWORK", "RUNS"]),
        ("soak", "Use it", "run for long", []),
        ("check", "Develop", "all checks (RUNS=5)", ["RUNS"]),
    ]


def test_defaults_are_those_of_variables_that_a_user_may_set() -> None:
    assert read_defaults(MAKEFILE) == {"STACK": "local", "RUNS": "5"}


def test_a_table_of_commands_has_one_group() -> None:
    assert commands_table(MAKEFILE, "Develop").splitlines() == [
        "| command | what it does | variables |",
        "|---|---|---|",
        "| `make check` | all checks (RUNS=5) | `RUNS` |",
    ]


def test_a_cell_has_no_pipe_character_and_no_line_break() -> None:
    assert table(("a", "b"), [("x|y", "one\n two"), ("", "z")]).splitlines()[2:] == [r"| x\|y | one two |", "| | z |"]
    with pytest.raises(ValueError, match="does not have 2 cells"):
        table(("a", "b"), [("x",)])


SCHEMA: dict[str, Any] = {
    "$ref": "#/$defs/Record",
    "$defs": {
        "Record": {
            "title": "Record",
            "type": "object",
            "properties": {
                "id": {"type": "string", "description": "Id of the item."},
                "status": {"$ref": "#/$defs/Status"},
                "blob": {"$ref": "#/$defs/Blob"},
                "category": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Tag"}], "description": "The surest tag."},
                "tags": {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Tag"}}, {"type": "null"}]},
                "labels": {"type": "array", "items": {"type": "string"}, "default": []},
                "vector": {"type": "array", "items": {"type": "number"}},
                "limit": {},
                "version": {"const": 1},
                "code": {"enum": ["A|B", None]},
                "pair": {"type": "array", "prefixItems": [{"type": "string"}]},
                "size": {"type": ["null", "integer"]},
            },
            "required": ["id", "status", "blob", "category", "tags", "limit", "version", "code", "pair", "size"],
        },
        "Status": {"enum": ["classified", "rejected"], "description": "How it ended."},
        "Blob": {
            "type": "object",
            "description": "The blob.",
            "properties": {"createdAt": {"type": "string", "format": "date-time", "description": "In UTC."}},
            "required": ["createdAt"],
        },
        "Tag": {
            "type": "object",
            "description": "A tag.",
            "properties": {"name": {"type": "string"}, "confidence": {"type": "number", "description": "0 to 1."}},
            "required": ["name", "confidence"],
        },
    },
}


def test_a_schema_becomes_a_row_for_each_path() -> None:
    assert schema_table(SCHEMA).splitlines() == [
        "| field | type | meaning |",
        "|---|---|---|",
        "| `id` | string | Id of the item. |",
        "| `status` | `classified` or `rejected` | How it ended. |",
        "| `blob` | object | The blob. |",
        "| `blob.createdAt` | string (date-time) | In UTC. |",
        "| `category` | object or null | The surest tag. |",
        "| `category.name` | string | |",
        "| `category.confidence` | number | 0 to 1. |",
        "| `tags` | list of object or null | |",
        "| `tags[].name` | string | |",
        "| `tags[].confidence` | number | 0 to 1. |",
        "| `labels` | list of string | |",
        "| `vector` | list of number, or absent | |",
        "| `limit` | any | |",
        "| `version` | `1` | |",
        r"| `code` | `A\|B` or null | |",
        "| `pair` | list | |",
        "| `size` | integer or null | |",
    ]


def test_an_object_that_is_used_in_three_places_has_a_table_of_its_own() -> None:
    box = {
        "type": "object",
        "description": "A rectangle.\n\nIn pixels.",
        "properties": {"x": {"type": "integer", "description": "Left edge."}},
        "required": ["x"],
    }
    reference = {"$ref": "#/$defs/Box"}
    properties = {
        "first": reference | {"description": "Where it is."},
        "second": {"anyOf": [{"type": "array", "items": reference}, {"type": "null"}]},
        "third": {"anyOf": [reference, {"type": "null"}]},
    }
    schema = {"type": "object", "properties": properties, "required": ["first", "second", "third"]}
    assert schema_table({**schema, "$defs": {"Box": box}}).splitlines() == [
        "| field | type | meaning |",
        "|---|---|---|",
        "| `first` | `Box` | Where it is. |",
        "| `second` | list of `Box` or null | |",
        "| `third` | `Box` or null | |",
        "",
        "`Box`: A rectangle. In pixels.",
        "",
        "| field | type | meaning |",
        "|---|---|---|",
        "| `x` | integer | Left edge. |",
    ]


def test_the_table_of_the_record_has_the_fields_of_a_stored_record() -> None:
    block = (ROOT / "docs/record.md").read_text().partition("```json\n")[2].partition("```")[0]
    record = json.loads(block)
    rows = re.findall(r"^\| `([\w.\[\]]+)` \|", schema_table(json_schema()), re.MULTILINE)
    fields = {row for row in rows if "." not in row}
    # These two are stored only if they were requested; the table of a shared object has names of its own.
    assert set(record) | {"adult", "vector", "vector2"} <= fields
    assert fields - set(record) - {"adult", "vector", "vector2"} == {"flagged", "score", "x", "y", "width", "height"}
    assert {"blob.etag", "tags[].confidence", "analyzer.identity", "reason.code"} <= set(rows)


@pytest.mark.parametrize("scenario", ["removed", "classified-from-cache"])
def test_a_scenario_without_exactly_one_record_is_no_example(scenario: str) -> None:
    with pytest.raises(ValueError, match="values to unpack"):
        record_example(scenario)


def test_a_reference_without_a_definition_is_an_error() -> None:
    with pytest.raises(KeyError):
        schema_table({"$ref": "#/$defs/Missing", "$defs": {}})


def test_a_definition_that_contains_itself_is_an_error() -> None:
    node = {"type": "object", "properties": {"child": {"$ref": "#/$defs/Node"}}, "required": ["child"]}
    with pytest.raises(RecursionError):
        schema_table({"$ref": "#/$defs/Node", "$defs": {"Node": node}})


class Box(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A rectangle."""

    width_pixels: int


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An item."""

    boxes: list[Box] | None
    vector: list[float] | msgspec.UnsetType = msgspec.UNSET


def test_a_schema_that_msgspec_generates_is_read() -> None:
    (schema,), definitions = msgspec.json.schema_components([Item], ref_template="#/$defs/{name}")
    assert schema_table({**schema, "$defs": definitions}).splitlines()[2:] == [
        "| `boxes` | list of object or null | |",
        "| `boxes[].widthPixels` | integer | |",
        "| `vector` | list of number, or absent | |",
    ]


def recording(network: str, *resources: tuple[str, dict[str, Any]]) -> Recording:
    items = [
        RecordedResource(key=key, inputs=inputs, parent="pulumi:pulumi:Stack::a", dependencies=frozenset())
        for key, inputs in resources
    ]
    return Recording(stack="dev", network=network, resources={item.key: item for item in items})


def test_alerts_have_severity_and_window_in_words() -> None:
    window = {"windowSize": "PT15M", "severity": 1.0}
    item = recording(
        "public",
        ("azure-native:monitor:ScheduledQueryRule::monitoring-alerts-poison", window | {"description": "Too often."}),
        ("azure-native:monitor:MetricAlert::monitoring-alerts-dead-letters", window | {"description": "Not sent."}),
    )
    assert alerts_table(item).splitlines()[2:] == [
        "| `dead-letters` | error | 15 minutes | Not sent. |",
        "| `poison` | error | 15 minutes | Too often. |",
    ]


def test_resources_are_counted_by_type_and_recording() -> None:
    public = recording("public", ("azure-native:storage:Queue::a", {}), ("azure-native:storage:Queue::b", {}))
    private = recording("private", ("azure-native:web:WebApp::c", {}), ("image-pipeline:index:ImageStorage::d", {}))
    assert resources_table([public, private]).splitlines() == [
        "| resource type | `dev`, public | `dev`, private |",
        "|---|---|---|",
        "| `storage:Queue` | 2 | 0 |",
        "| `web:WebApp` | 0 | 1 |",
        "| **all** | **2** | **1** |",
    ]


def test_every_rule_of_the_policy_pack_is_in_the_table() -> None:
    rows = policy_rules_table().splitlines()[2:]
    assert len(rows) == 17
    assert rows[1] == "| `tls-1-2` | No service accepts connections without TLS 1.2 or later. |"
