"""GitHub and Azure DevOps as far as the pipelines use them: OIDC tokens, comments, issues and work items, in memory."""

import json
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, override

# What the fakes accept as the token of the pipeline's own run.
RUN_TOKEN = "token-of-the-run"
CONNECTION = "11111111-0000-4000-8000-000000000001"


@dataclass
class CodeHosts:
    """What was published and requested.

    Attributes:
        url: The address of the server.
        comments: The comments on the pull request on GitHub, by id.
        issues: The issues on GitHub, by number.
        issue_comments: The comments on issues on GitHub.
        threads: The threads of the pull request on Azure DevOps.
        work_items: The fields of the work items on Azure DevOps, by id.
        audiences: The audience of each OIDC token that was issued.
    """

    url: str = ""
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    issue_comments: list[tuple[int, str]] = field(default_factory=list)
    threads: list[dict[str, Any]] = field(default_factory=list)
    work_items: dict[int, dict[str, str]] = field(default_factory=dict)
    audiences: list[str] = field(default_factory=list)

    def github_environment(self) -> dict[str, str]:
        """The variables of a GitHub workflow's step with `id-token: write`."""
        return {
            "GITHUB_API_URL": f"{self.url}/github",
            "GITHUB_REPOSITORY": "owner/images",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/github-token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": RUN_TOKEN,
        }

    def azure_devops_environment(self) -> dict[str, str]:
        """The variables of an Azure DevOps pipeline's step in the task AzureCLI@2."""
        return {
            "SYSTEM_COLLECTIONURI": f"{self.url}/azure-devops/",
            "SYSTEM_TEAMPROJECT": "My images",
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            "SYSTEM_OIDCREQUESTURI": f"{self.url}/azure-devops-token",
            "BUILD_REPOSITORY_ID": "repository-id",
            "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": CONNECTION,
        }

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        """Handle one request; raises LookupError for one that no vendor would understand."""
        if path == "/github-token":
            (audience,) = query["audience"]
            self.audiences.append(audience)
            return {"value": f"github-token-{len(self.audiences)}"}
        if path == "/azure-devops-token":
            assert (method, query["serviceConnectionId"]) == ("POST", [CONNECTION])
            self.audiences.append("azure-devops")
            return {"oidcToken": f"azure-devops-token-{len(self.audiences)}"}
        github = "/github/repos/owner/images/"
        if path.startswith(github):
            return self._github(method, path.removeprefix(github).split("/"), query, body)
        azure_devops = "/azure-devops/My%20images/_apis/"
        if path.startswith(azure_devops):
            assert query["api-version"] == ["7.1"]
            return self._azure_devops(method, path.removeprefix(azure_devops).split("/"), body)
        raise LookupError(path)

    def _github(self, method: str, path: list[str], query: dict[str, list[str]], body: Any) -> Any:
        match method, path:
            case "GET", ["issues", "7", "comments"]:
                return _page(list(self.comments.values()), query)
            case "POST", ["issues", "7", "comments"]:
                number = 100 + len(self.comments)
                self.comments[number] = {"id": number, **body, "html_url": f"comment {number}"}
                return self.comments[number]
            case "PATCH", ["issues", "comments", number]:
                self.comments[int(number)] |= body
                return self.comments[int(number)]
            case "GET", ["issues"]:
                assert (query["state"], query["labels"]) == (["open"], ["drift"])
                labelled = [issue for issue in self.issues.values() if issue["state"] == "open"]
                return _page([issue for issue in labelled if "drift" in issue["labels"]], query)
            case "POST", ["issues"]:
                number = 1 + len(self.issues)
                self.issues[number] = {"number": number, "state": "open", **body, "html_url": f"issue {number}"}
                return self.issues[number]
            case "POST", ["issues", number, "comments"]:
                self.issue_comments.append((int(number), body["body"]))
                return {}
            case "PATCH", ["issues", number]:
                self.issues[int(number)] |= body
                return self.issues[int(number)]
            case _:
                raise LookupError(path)

    def _azure_devops(self, method: str, path: list[str], body: Any) -> Any:
        match method, path:
            case "GET", ["git", "repositories", "repository-id", "pullRequests", "7", "threads"]:
                return {"value": self.threads}
            case "POST", ["git", "repositories", "repository-id", "pullRequests", "7", "threads"]:
                (comment,) = body["comments"]
                self.threads.append(
                    {"id": 1 + len(self.threads), "status": body["status"], "comments": [{"id": 1, **comment}]}
                )
                return self.threads[-1]
            case "PATCH", [
                "git",
                "repositories",
                "repository-id",
                "pullRequests",
                "7",
                "threads",
                thread,
                "comments",
                "1",
            ]:
                self.threads[int(thread) - 1]["comments"][0] |= body
                return {}
            case "POST", ["wit", "wiql"]:
                key = body["query"].partition("CONTAINS '")[2].partition("'")[0]
                ids = [number for number, fields in self.work_items.items() if fields["System.Tags"] == key]
                return {"workItems": [{"id": number} for number in ids]}
            case "POST", ["wit", "workitems", "$Issue"]:
                number = 1 + len(self.work_items)
                self.work_items[number] = {}
                return self._patch_work_item(number, body)
            case "PATCH", ["wit", "workitems", number]:
                return self._patch_work_item(int(number), body)
            case _:
                raise LookupError(path)

    def _patch_work_item(self, number: int, operations: list[dict[str, str]]) -> dict[str, str]:
        for operation in operations:
            assert operation["op"] == "add"
            self.work_items[number][operation["path"].removeprefix("/fields/")] = operation["value"]
        return {"url": f"work item {number}"}


def _page(items: list[Any], query: dict[str, list[str]]) -> list[Any]:
    size = int(query["per_page"][0])
    start = (int(query["page"][0]) - 1) * size
    return items[start : start + size]


@contextmanager
def run_code_hosts() -> Iterator[CodeHosts]:
    """Run the fakes on a port of their own."""
    code_hosts = CodeHosts()

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            url = urllib.parse.urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            content = self.rfile.read(length)
            status = 200
            answer: Any
            if self.headers["Authorization"] != f"Bearer {RUN_TOKEN}":
                status, answer = 401, {"message": "Bad credentials"}
            else:
                body = json.loads(content) if content else None
                try:
                    answer = code_hosts.answer(self.command, url.path, urllib.parse.parse_qs(url.query), body)
                except LookupError as error:
                    status, answer = 404, {"message": f"no such resource: {error}"}
            document = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(document)))
            self.end_headers()
            self.wfile.write(document)

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815

        @override
        def log_message(self, format: str, *args: object) -> None:
            """Prints nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    code_hosts.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield code_hosts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
