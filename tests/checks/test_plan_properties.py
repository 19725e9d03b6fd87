"""Differences of properties: paths, values, and secrets, which are never shown."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.plan.comment import CommentLimit, render_comment
from checks.plan.properties import PropertyChange, compare, text_of
from checks.plan.report import create_report
from tests.support.plan_builder import load_preview, preview_of, recording_names, state, step

SIGNATURE = "4dabf18193072939515e22adb298388d"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def differences(before: dict[str, Any], after: dict[str, Any], *changed: str) -> list[tuple[str, str, str]]:
    return [(item.path, item.before, item.after) for item in compare(before, after, changed=changed, forcing=())]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", "1", "2")]),
        ({"a": 1}, {}, [("a", "1", "")]),
        ({}, {"a": False}, [("a", "", "false")]),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "y"}}}, [("a.b.c", "x", "y")]),
        ({"a": ["x", "y"]}, {"a": ["y", "z"]}, [("a[]", '["x"]', '["z"]')]),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}, [("a", '["x","y"]', '["y","x"]')]),
        (
            {"a": [{"name": "n", "value": 1}, {"name": "m", "value": 1}]},
            {"a": [{"name": "m", "value": 1}, {"name": "n", "value": 2}]},
            [("a[n].value", "1", "2")],
        ),
        ({"a": [{"name": "n"}]}, {"a": [{"name": "n"}, {"name": "m"}]}, [("a[m]", "", '{"name":"m"}')]),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1}, {"b": 3}]}, [("a[1].b", "2", "3")]),
        ({"a": "x"}, {"a": UNKNOWN}, [("a", "x", "(known after the deployment)")]),
        ({"a": "x"}, {"a": f"https://{UNKNOWN}/"}, [("a", "x", "(known after the deployment)")]),
        ({"__provider": "x"}, {"__provider": "y"}, []),
    ],
)
def test_differences(before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, str, str]]) -> None:
    assert differences(before, after) == expected


def test_a_property_that_forces_a_replacement_is_marked() -> None:
    changes = compare({"a": {"b": 1}, "c": 1}, {"a": {"b": 2}, "c": 2}, changed=(), forcing=["a"])
    assert changes == [
        PropertyChange(path="a.b", before="1", after="2", forces_replacement=True),
        PropertyChange(path="c", before="1", after="2"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # Both are the same text; Pulumi says that the property has changed.
        ({"a": "[secret]"}, {"a": "[secret]"}, [("a", "(secret)", "(secret)")]),
        ({"a": {"b": "[secret]", "c": 1}}, {"a": {"b": "[secret]", "c": 1}}, [("a.b", "(secret)", "(secret)")]),
        # A value that was or becomes a secret is not shown on either side.
        ({"a": "plain"}, {"a": "[secret]"}, [("a", "(not shown)", "(secret)")]),
        ({"a": "[secret]"}, {"a": "plain"}, [("a", "(secret)", "(not shown)")]),
        ({"a": [{"b": "[secret]"}]}, {"a": "plain"}, [("a", '[{"b":"(secret)"}]', "(not shown)")]),
        ({"a": "[secret]"}, {}, [("a", "(secret)", "")]),
        ({"a": {SIGNATURE: "1b47", "value": "hunter2"}}, {"a": "x"}, [("a", "(secret)", "(not shown)")]),
        ({"a": [{"x": {SIGNATURE: "1b47", "plaintext": "hunter2"}}]}, {}, [("a", '[{"x":"(secret)"}]', "")]),
        ({"a": "1"}, {"a": "1"}, [("a", "1", "1")]),
    ],
)
def test_secrets_are_not_shown(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert differences(before, after, "a") == expected


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=8,
)
# What Pulumi marks as secret, in both of its forms.
SECRETS = st.builds(
    lambda key: {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", key: "hunter2"},
    st.sampled_from(["value", "plaintext", "ciphertext"]),
)
WITH_SECRETS = st.recursive(
    SECRETS | st.integers(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=3), WITH_SECRETS, max_size=3),
    st.dictionaries(st.text(max_size=3), WITH_SECRETS | VALUES, max_size=3),
)
def test_no_secret_reaches_the_comment_or_the_json(before: dict[str, Any], after: dict[str, Any]) -> None:
    old = state("storage:Queue", before)
    new = state("storage:Queue", after)
    report = create_report(
        preview_of(step("update", "a", before=old, after=new), step("replace", "b", before=new, after=old))
    )
    assert "hunter2" not in render_comment(report, CommentLimit.AZURE_DEVOPS)
    assert b"hunter2" not in msgspec.json.encode(report)


@given(VALUES, VALUES)
def test_equal_inputs_have_no_difference_and_others_have_one(before: Any, after: Any) -> None:
    changes = differences({"a": before}, {"a": after})
    assert bool(changes) is (before != after)


def test_the_text_of_a_value() -> None:
    assert [text_of(value) for value in (None, "x", 1, True, ["x"], {"a": None})] == [
        "",
        "x",
        "1",
        "true",
        '["x"]',
        '{"a":null}',
    ]


@pytest.mark.parametrize("name", recording_names())
def test_no_mark_of_a_secret_is_in_a_comment_on_a_recording(name: str) -> None:
    report = create_report(load_preview(name))
    for output in (render_comment(report, CommentLimit.AZURE_DEVOPS).encode(), msgspec.json.encode(report)):
        assert b"[secret]" not in output
        assert SIGNATURE.encode() not in output
        assert b"changed-secret" not in output
