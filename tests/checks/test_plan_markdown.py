"""Text from outside cannot break the comment's Markdown, and a comment is never longer than allowed."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.plan.comment import CommentLimit, render_comment
from checks.plan.comment_values import short, short_pair
from checks.plan.markdown import code, code_block, cut, details, table
from checks.plan.report import create_report
from tests.support.plan_builder import preview_of, state, step

NOTICE = "the rest is left out"


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("images", "`images`"),
        ("", ""),
        ("a|b", r"`a\|b`"),
        ("a`b", "``a`b``"),
        ("`", "`` ` ``"),
        ("a\nb\tc", "`a b c`"),
        ("a\u202eb\x00c", "`a\ufffdb\ufffdc`"),
        ("@everyone", "`@everyone`"),
    ],
)
def test_text_is_one_code_span(text: str, markdown: str) -> None:
    assert code(text) == markdown


@given(st.text())
def test_a_code_span_is_closed_by_its_own_fence_only(text: str) -> None:
    markdown = code(text)
    if not markdown:
        assert not text.strip() or not text.isprintable()
        return
    assert len(markdown.splitlines()) == 1
    fence = re.match("`+", markdown)
    assert fence is not None
    assert markdown.endswith(fence[0])
    assert fence[0] not in re.findall("`+", markdown[len(fence[0]) : -len(fence[0])])
    assert not re.search(r"(?<!\\)\|", markdown)


@given(st.text())
def test_a_code_block_is_closed_by_its_last_line_only(text: str) -> None:
    first, *lines, last = code_block(text)
    assert first == last
    assert set(first) == {"`"}
    assert all(first not in line and "\n" not in line for line in lines)


def test_a_table_has_rules_and_alignment() -> None:
    assert table(("a", "b"), [("1", "2")], right=(1,)) == ["| a | b |", "| --- | --: |", "| 1 | 2 |"]


def test_a_short_text_is_not_cut() -> None:
    assert cut(["a", "b"], maximum=3, notice=NOTICE) == "a\nb"


def test_what_is_open_at_the_cut_is_closed() -> None:
    lines = ["start", *details("show", ["```", *["x" * 20] * 20, "```"]), "end"]
    text = cut(lines, maximum=150, notice=NOTICE)
    assert len(text) <= 150
    assert text.startswith("start\n<details>\n<summary>show</summary>\n\n```\nxxxx")
    assert text.endswith(f"\n```\n</details>\n\n{NOTICE}")


def test_what_is_closed_at_the_cut_is_not_closed_again() -> None:
    lines = [*details("show", ["x"]), *["y" * 20] * 20]
    text = cut(lines, maximum=150, notice=NOTICE)
    assert text.count("</details>") == 1
    assert text.endswith(f"y\n\n{NOTICE}")


@given(
    st.lists(st.sampled_from(["<details>", "</details>", "```", "````", "text", "\U0001f600" * 10])),
    st.integers(100, 200),
)
def test_a_cut_text_is_never_too_long(lines: list[str], maximum: int) -> None:
    text = cut(lines, maximum=maximum, notice=NOTICE)
    # Azure DevOps counts UTF-16 code units.
    assert len(text.encode("utf-16-le")) // 2 <= maximum


@pytest.mark.parametrize(("limit", "characters"), [("github", 65_536), ("azure-devops", 150_000)])
def test_a_long_comment_is_cut_to_what_the_service_accepts(limit: str, characters: int) -> None:
    inputs = {f"property{number}": "\U0001f600" * 100 for number in range(8)}
    steps = [
        step("update", f"queue-{number}", before=state("storage:Queue", {}), after=state("storage:Queue", inputs))
        for number in range(300)
    ]
    comment = render_comment(create_report(preview_of(*steps)), CommentLimit(limit))
    length = len(comment.encode("utf-16-le")) // 2
    assert characters - 1000 < length <= characters
    assert f"**Cut to {characters:,} characters, the longest comment that is accepted.**" in comment.splitlines()[-1]
    assert comment.count("<details>") == comment.count("</details>") == 1


def test_an_arm_id_is_shown_from_its_resource_group_on() -> None:
    subscription = "/subscriptions/11111111-2222-4333-8444-555555555555"
    assert (
        short(f"{subscription}/resourceGroups/rg/providers/Microsoft.Web/sites/a")
        == "rg/providers/Microsoft.Web/sites/a"
    )
    assert short(f"{subscription}/resourceGroups/rg") == f"{subscription}/resourceGroups/rg"
    assert short(subscription) == subscription


def test_a_long_text_is_cut() -> None:
    assert short("x" * 161) == "x" * 160 + "… (161 characters)"
    assert short("x" * 160) == "x" * 160


def test_two_long_texts_are_cut_around_their_first_difference() -> None:
    before, after = short_pair("x" * 500 + "old", "x" * 500 + "new")
    assert before.startswith("…xxx")
    assert "old" in before
    assert "new" in after
