"""Publishes a Markdown report on GitHub or Azure DevOps, wherever the pipeline runs.

    python -m scripts.ci.publish comment --key plan-dev --title "Plan of dev" --file comment.md
    python -m scripts.ci.publish issue --key drift-dev --title "Drift in dev" --file issue.md
    python -m scripts.ci.publish resolved --key drift-dev --title "Drift in dev" --file issue.md

`comment` replaces the earlier comment with the same key on the pull request; `issue` opens or updates one issue (a work
item on Azure DevOps); `resolved` says in that issue, if it is open, that its cause is gone.
"""

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from scripts.ci.azure_devops import AzureDevOps
from scripts.ci.errors import PipelineStepError
from scripts.ci.github import GitHub
from scripts.ci.markdown_report import CodeHost, Report


def code_host_from_environment(variables: Mapping[str, str]) -> CodeHost:
    """Return where the pipeline runs.

    Raises:
        PipelineStepError: This is no pipeline of GitHub Actions or Azure DevOps, or a token is missing.
    """
    if "GITHUB_REPOSITORY" in variables:
        return GitHub.from_environment(variables)
    if "SYSTEM_COLLECTIONURI" in variables:
        return AzureDevOps.from_environment(variables)
    raise PipelineStepError("this is no pipeline of GitHub Actions or Azure DevOps")


def publish(kind: str, report: Report, variables: Mapping[str, str]) -> str | None:
    """Publish a report as a comment or an issue, and return the URL; None if there was nothing to resolve.

    Raises:
        PipelineStepError: The report cannot be published.
    """
    code_host = code_host_from_environment(variables)
    if kind == "comment":
        return code_host.publish_comment(report)
    if kind == "issue":
        return code_host.publish_issue(report)
    return code_host.resolve_issue(report)


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.ci.publish",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("kind", choices=("comment", "issue", "resolved"))
    parser.add_argument("--key", required=True, help="what identifies the report, such as plan-dev")
    parser.add_argument("--title", required=True)
    parser.add_argument("--file", type=Path, required=True, help="the text, in Markdown")
    arguments = parser.parse_args()
    try:
        report = Report(key=arguments.key, title=arguments.title, body=arguments.file.read_text())
        url = publish(arguments.kind, report, os.environ)
    except PipelineStepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(url or "nothing to resolve")
    return 0


if __name__ == "__main__":
    sys.exit(main())
