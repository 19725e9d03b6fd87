"""Reports on GitHub and Azure DevOps: the earlier one is replaced, and nothing else is touched."""

import sys
from pathlib import Path

import pytest

from scripts.ci import publish
from scripts.ci.errors import PipelineStepError
from scripts.ci.markdown_report import Report
from tests.support.fake_code_hosts import RUN_TOKEN, CodeHosts

PLAN = Report(key="plan-dev", title="Plan of dev", body="one change")
DRIFT = Report(key="drift-dev", title="Drift in dev", body="| a | b |")


def github(code_hosts: CodeHosts) -> dict[str, str]:
    return {**code_hosts.github_environment(), "GITHUB_TOKEN": RUN_TOKEN, "PULL_REQUEST": "7"}


def azure_devops(code_hosts: CodeHosts) -> dict[str, str]:
    return {**code_hosts.azure_devops_environment(), "SYSTEM_ACCESSTOKEN": RUN_TOKEN}


def test_a_second_comment_on_github_replaces_the_first(code_hosts: CodeHosts) -> None:
    code_hosts.comments[1] = {"id": 1, "body": "Looks good to me", "html_url": "comment 1"}
    assert publish.publish("comment", PLAN, github(code_hosts)) == "comment 101"
    second = Report(key="plan-dev", title="Plan of dev", body="two changes")
    assert publish.publish("comment", second, github(code_hosts)) == "comment 101"
    other = Report(key="plan-prod", title="Plan of prod", body="no change")
    publish.publish("comment", other, github(code_hosts))
    assert [comment["body"] for comment in code_hosts.comments.values()] == [
        "Looks good to me",
        "<!-- image-pipeline:plan-dev -->\ntwo changes",
        "<!-- image-pipeline:plan-prod -->\nno change",
    ]


def test_a_comment_on_the_second_page_is_replaced(code_hosts: CodeHosts) -> None:
    for number in range(100):
        code_hosts.comments[number] = {"id": number, "body": None, "html_url": ""}
    publish.publish("comment", PLAN, github(code_hosts))
    publish.publish("comment", PLAN, github(code_hosts))
    assert len(code_hosts.comments) == 101


def test_a_second_comment_on_azure_devops_replaces_the_first_and_blocks_no_merge(code_hosts: CodeHosts) -> None:
    code_hosts.threads.append({"id": 1, "status": "active", "comments": [{"id": 1, "content": None}]})
    publish.publish("comment", PLAN, azure_devops(code_hosts))
    second = Report(key="plan-dev", title="Plan of dev", body="two changes")
    publish.publish("comment", second, azure_devops(code_hosts))
    assert [(thread["status"], thread["comments"][0]["content"]) for thread in code_hosts.threads] == [
        ("active", None),
        ("closed", "<!-- image-pipeline:plan-dev -->\ntwo changes"),
    ]


def test_drift_on_github_is_one_issue_that_is_updated_closed_and_opened_anew(code_hosts: CodeHosts) -> None:
    assert publish.publish("resolved", DRIFT, github(code_hosts)) is None
    assert publish.publish("issue", DRIFT, github(code_hosts)) == "issue 1"
    more = Report(key="drift-dev", title="Drift in dev", body="more")
    assert publish.publish("issue", more, github(code_hosts)) == "issue 1"
    assert code_hosts.issues[1]["title"] == "Drift in dev"
    assert code_hosts.issues[1]["body"] == "<!-- image-pipeline:drift-dev -->\nmore"
    assert code_hosts.issues[1]["labels"] == ["drift"]
    report = Report(key="drift-dev", title="Drift in dev", body="no drift")
    assert publish.publish("resolved", report, github(code_hosts)) == "issue 1"
    assert (code_hosts.issues[1]["state"], code_hosts.issues[1]["state_reason"]) == ("closed", "completed")
    assert code_hosts.issue_comments == [(1, "<!-- image-pipeline:drift-dev -->\nno drift")]
    assert publish.publish("issue", DRIFT, github(code_hosts)) == "issue 2"


def test_drift_on_azure_devops_is_one_work_item(code_hosts: CodeHosts) -> None:
    assert publish.publish("resolved", DRIFT, azure_devops(code_hosts)) is None
    assert publish.publish("issue", DRIFT, azure_devops(code_hosts)) == "work item 1"
    more = Report(key="drift-dev", title="Drift in dev", body="a < b & c")
    assert publish.publish("issue", more, azure_devops(code_hosts)) == "work item 1"
    other = Report(key="drift-prod", title="Drift in prod", body="x")
    assert publish.publish("issue", other, azure_devops(code_hosts)) == "work item 2"
    marker = "&lt;!-- image-pipeline:drift-dev --&gt;"
    assert code_hosts.work_items[1] == {
        "System.Title": "Drift in dev",
        "System.Description": f"<pre>{marker}\na &lt; b &amp; c</pre>",
        "System.Tags": "drift-dev",
    }
    report = Report(key="drift-dev", title="Drift in dev", body="no drift")
    assert publish.publish("resolved", report, azure_devops(code_hosts)) == "work item 1"
    assert code_hosts.work_items[1]["System.History"] == f"<pre>{marker}\nno drift</pre>"


def test_a_long_text_is_cut_to_what_each_vendor_accepts(code_hosts: CodeHosts) -> None:
    long = Report(key="plan-dev", title="Plan of dev", body="x" * 200_000)
    publish.publish("comment", long, github(code_hosts))
    publish.publish("comment", long, azure_devops(code_hosts))
    texts = [code_hosts.comments[100]["body"], code_hosts.threads[0]["comments"][0]["content"]]
    assert [len(text) for text in texts] == [65_536, 150_000]
    assert all(text.endswith("\n\n*Cut: the whole text is in the pipeline's artifacts.*") for text in texts)
    assert all(text.startswith("<!-- image-pipeline:plan-dev -->\nxxx") for text in texts)


def test_a_text_of_just_the_longest_size_is_not_cut() -> None:
    report = Report(key="k", title="", body="x" * 10)
    length = len("<!-- image-pipeline:k -->\n") + 10
    assert report.text(length) == "<!-- image-pipeline:k -->\n" + "x" * 10
    assert report.text(length).count("Cut") == 0


@pytest.mark.parametrize("key", ["", "Plan", "a b", "a'b", "a--b", "-a", "a\n"])
def test_a_key_of_other_characters_is_refused(key: str) -> None:
    with pytest.raises(PipelineStepError, match="is not lower-case letters, digits and hyphens"):
        Report(key=key, title="", body="")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "no pipeline of GitHub Actions or Azure DevOps"),
        ({"GITHUB_REPOSITORY": "owner/images", "GITHUB_API_URL": "x"}, "GITHUB_TOKEN is missing"),
        ({"SYSTEM_COLLECTIONURI": "x"}, "SYSTEM_ACCESSTOKEN is missing"),
    ],
)
def test_what_is_missing_is_named(variables: dict[str, str], message: str) -> None:
    with pytest.raises(PipelineStepError, match=message):
        publish.publish("issue", DRIFT, variables)


def test_a_comment_outside_a_pull_request_is_refused(code_hosts: CodeHosts) -> None:
    with pytest.raises(PipelineStepError, match="PULL_REQUEST, the number of the pull request, is missing"):
        publish.publish("comment", PLAN, {**github(code_hosts), "PULL_REQUEST": ""})
    variables = azure_devops(code_hosts)
    del variables["SYSTEM_PULLREQUEST_PULLREQUESTID"]
    with pytest.raises(PipelineStepError, match="SYSTEM_PULLREQUEST_PULLREQUESTID is missing"):
        publish.publish("comment", PLAN, variables)


def test_a_refused_request_is_an_error_without_the_token(
    code_hosts: CodeHosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "issue.md"
    text.write_text("drift")
    for name, value in {**github(code_hosts), "GITHUB_TOKEN": "not-valid"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["publish", "issue", "--key", "drift-dev", "--title", "t", "--file", str(text)])
    assert publish.main() == 1
    printed = capsys.readouterr().err
    assert "401 Unauthorized" in printed
    assert "Bad credentials" in printed
    assert "not-valid" not in printed
