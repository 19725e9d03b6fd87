"""Comments and issues on GitHub, by its REST API: https://docs.github.com/rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.ci.errors import PipelineStepError
from scripts.ci.http import request_json
from scripts.ci.markdown_report import Report

# https://github.com/orgs/community/discussions/27190: "body is too long (maximum is 65536 characters)".
_LONGEST_BODY = 65_536
_PAGE = 100
_LABEL = "drift"
_HEADERS = {"X-GitHub-Api-Version": "2022-11-28"}


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """The repository that the workflow runs for."""

    api_url: str
    repository: str
    token: str
    pull_request: str | None

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "GitHub":
        """Return the repository that the variables of a workflow's step name.

        Raises:
            PipelineStepError: The token is missing.
        """
        token = variables.get("GITHUB_TOKEN")
        if not token:
            raise PipelineStepError("GITHUB_TOKEN is missing; set it to ${{ github.token }} in the step's env")
        return cls(
            api_url=variables["GITHUB_API_URL"],
            repository=variables["GITHUB_REPOSITORY"],
            token=token,
            pull_request=variables.get("PULL_REQUEST"),
        )

    def publish_comment(self, report: Report) -> str:
        """Create or replace the comment on the pull request.

        Raises:
            PipelineStepError: The run is not for a pull request, or GitHub refuses the request.
        """
        if not self.pull_request:
            raise PipelineStepError("PULL_REQUEST, the number of the pull request, is missing")
        comments = f"issues/{self.pull_request}/comments"
        body = {"body": report.text(_LONGEST_BODY)}
        for comment in self._list(comments):
            if (comment["body"] or "").startswith(report.marker):
                return self._send("PATCH", f"issues/comments/{comment['id']}", body)["html_url"]
        return self._send("POST", comments, body)["html_url"]

    def publish_issue(self, report: Report) -> str:
        """Create or update the one open issue with the report's key.

        Raises:
            PipelineStepError: GitHub refuses the request.
        """
        body = {"title": report.title, "body": report.text(_LONGEST_BODY)}
        number = self._open_issue(report)
        if number is not None:
            return self._send("PATCH", f"issues/{number}", body)["html_url"]
        return self._send("POST", "issues", {**body, "labels": [_LABEL]})["html_url"]

    def resolve_issue(self, report: Report) -> str | None:
        """Close the open issue with the report's key, with the report as a comment.

        Raises:
            PipelineStepError: GitHub refuses the request.
        """
        number = self._open_issue(report)
        if number is None:
            return None
        self._send("POST", f"issues/{number}/comments", {"body": report.text(_LONGEST_BODY)})
        issue = self._send("PATCH", f"issues/{number}", {"state": "closed", "state_reason": "completed"})
        return issue["html_url"]

    def _open_issue(self, report: Report) -> int | None:
        for issue in self._list(f"issues?state=open&labels={_LABEL}"):
            if (issue["body"] or "").startswith(report.marker):
                return issue["number"]
        return None

    def _list(self, path: str) -> Iterator[dict[str, Any]]:
        separator = "&" if "?" in path else "?"
        page = 1
        while True:
            items: list[dict[str, Any]] = self._send("GET", f"{path}{separator}per_page={_PAGE}&page={page}")
            yield from items
            if len(items) < _PAGE:
                return
            page += 1

    def _send(self, method: str, path: str, body: object = None) -> Any:
        url = f"{self.api_url}/repos/{self.repository}/{path}"
        return request_json(method, url, token=self.token, body=body, headers=_HEADERS)
