"""Comments and work items on Azure DevOps, by its REST API: https://learn.microsoft.com/rest/api/azure/devops."""

import html
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.ci.errors import PipelineStepError
from scripts.ci.http import request_json
from scripts.ci.markdown_report import Report

_API_VERSION = "api-version=7.1"
# "A discussion comment cannot be longer than 150000 characters", says the service:
# https://github.com/runatlantis/atlantis/pull/1585.
_LONGEST_COMMENT = 150_000
_JSON_PATCH = {"Content-Type": "application/json-patch+json"}


@dataclass(frozen=True, kw_only=True)
class AzureDevOps:
    """The project and the repository that the pipeline runs for."""

    project_url: str
    repository: str
    token: str
    pull_request: str | None
    work_item_type: str

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> "AzureDevOps":
        """Return the project that the variables of a pipeline's step name.

        Raises:
            PipelineStepError: The token is missing.
        """
        token = variables.get("SYSTEM_ACCESSTOKEN")
        if not token:
            raise PipelineStepError("SYSTEM_ACCESSTOKEN is missing; set it to $(System.AccessToken) in the step's env")
        project = urllib.parse.quote(variables["SYSTEM_TEAMPROJECT"])
        return cls(
            project_url=f"{variables['SYSTEM_COLLECTIONURI'].rstrip('/')}/{project}",
            repository=variables["BUILD_REPOSITORY_ID"],
            token=token,
            pull_request=variables.get("SYSTEM_PULLREQUEST_PULLREQUESTID"),
            # The processes Basic, Agile and CMMI have this type; Scrum has Impediment.
            work_item_type=variables.get("DRIFT_WORK_ITEM_TYPE") or "Issue",
        )

    def publish_comment(self, report: Report) -> str:
        """Create or replace the comment on the pull request.

        Raises:
            PipelineStepError: The run is not for a pull request, or Azure DevOps refuses the request.
        """
        if not self.pull_request:
            raise PipelineStepError("this run is not for a pull request: SYSTEM_PULLREQUEST_PULLREQUESTID is missing")
        threads = f"git/repositories/{self.repository}/pullRequests/{self.pull_request}/threads"
        content = report.text(_LONGEST_COMMENT)
        for thread in self._send("GET", threads)["value"]:
            for comment in thread["comments"]:
                if (comment.get("content") or "").startswith(report.marker):
                    path = f"{threads}/{thread['id']}/comments/{comment['id']}"
                    self._send("PATCH", path, {"content": content})
                    return f"{threads}/{thread['id']}"
        # Closed, because a policy can require that every active thread is resolved.
        comments = [{"parentCommentId": 0, "commentType": "text", "content": content}]
        thread = self._send("POST", threads, {"comments": comments, "status": "closed"})
        return f"{threads}/{thread['id']}"

    def publish_issue(self, report: Report) -> str:
        """Create or update the one open work item with the report's key as a tag.

        Raises:
            PipelineStepError: Azure DevOps refuses the request.
        """
        fields = {"System.Title": report.title, "System.Description": _as_html(report)}
        number = self._open_work_item(report)
        if number is not None:
            return self._patch(f"wit/workitems/{number}", "PATCH", fields)["url"]
        path = f"wit/workitems/${urllib.parse.quote(self.work_item_type)}"
        return self._patch(path, "POST", {**fields, "System.Tags": report.key})["url"]

    def resolve_issue(self, report: Report) -> str | None:
        """Add the report to the discussion of the open work item.

        The name of the state that a work item is closed with depends on the project's process, so a person closes it.

        Raises:
            PipelineStepError: Azure DevOps refuses the request.
        """
        number = self._open_work_item(report)
        if number is None:
            return None
        return self._patch(f"wit/workitems/{number}", "PATCH", {"System.History": _as_html(report)})["url"]

    def _open_work_item(self, report: Report) -> int | None:
        conditions = (
            "[System.TeamProject] = @project",
            f"[System.Tags] CONTAINS '{report.key}'",
            "[System.State] NOT IN ('Closed', 'Done', 'Removed', 'Resolved')",
        )
        # A report's key has been checked: it has no quotation mark.
        query = "SELECT [System.Id] FROM WorkItems WHERE " + " AND ".join(conditions)  # noqa: S608
        items = self._send("POST", "wit/wiql", {"query": query})["workItems"]
        if not items:
            return None
        return items[0]["id"]

    def _patch(self, path: str, method: str, fields: Mapping[str, str]) -> Any:
        operations = [{"op": "add", "path": f"/fields/{name}", "value": value} for name, value in fields.items()]
        return self._send(method, path, operations, headers=_JSON_PATCH)

    def _send(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        url = f"{self.project_url}/_apis/{path}?{_API_VERSION}"
        return request_json(method, url, token=self.token, body=body, headers=headers)


def _as_html(report: Report) -> str:
    # Text fields of work items are HTML by default.
    return f"<pre>{html.escape(report.text(_LONGEST_COMMENT))}</pre>"
