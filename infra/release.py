"""Release: the function code, shipped as part of `pulumi up` with the deployer's own identity."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pulumi
from azure.core.rest import HttpRequest
from pulumi import dynamic

from infra.app import FunctionApp
from infra.bundle import Bundle
from infra.management import Send, describe, sender, until

# Status of a deployment: https://github.com/projectkudu/kudu/wiki/REST-API#deployment
_FAILED, _SUCCEEDED = 3, 4


class ReleaseError(Exception):
    """The code was not accepted, or what runs is not what was shipped; the text says which."""


class Publisher:
    """Publishes packages to one function app and finds out what became of them.

    `scm` and `management` send a request to the app's deployment service and to Azure Resource Manager.
    """

    def __init__(
        self,
        scm: Send,
        management: Send,
        *,
        timeout_seconds: float = 600,
        first_wait_seconds: float = 1,
    ) -> None:
        self._scm = scm
        self._management = management
        self._timeout = timeout_seconds
        self._first_wait = first_wait_seconds

    def publish(self, package: bytes) -> None:
        """Ships `package` and returns once it is live. Raises ReleaseError.

        This is what `az functionapp deployment source config-zip` does on Flex Consumption:
        https://github.com/Azure/azure-cli (enable_zip_deploy_flex).
        """
        before = self._latest().get("id")
        request = HttpRequest(
            "POST",
            "/api/publish",
            params={"RemoteBuild": "false", "Deployer": "pulumi"},
            headers={"Content-Type": "application/zip"},
            content=package,
        )
        # A site that was made a moment ago answers 404 or 503 until its deployment service has started.
        response = self._until(lambda: self._scm(request), lambda answer: answer.status_code not in {404, 502, 503})
        if response.status_code not in {200, 202}:
            raise ReleaseError(f"the deployment service refused the package: {describe(response)}")
        latest = self._until(
            self._latest,
            lambda answer: answer.get("id") != before and answer.get("status") in {_FAILED, _SUCCEEDED},
        )
        if latest.get("id") == before or latest.get("status") != _SUCCEEDED:
            raise ReleaseError(f"the deployment did not succeed: {latest.get('status_text') or latest}")

    def check(self, site_id: str, expected: Sequence[str]) -> None:
        """Returns once exactly the `expected` functions are registered. Raises ReleaseError.

        A package with broken dependencies deploys "successfully" and registers nothing.
        """
        names = self._until(lambda: self._functions(site_id), lambda found: found == sorted(expected))
        if names != sorted(expected):
            raise ReleaseError(f"the app registered the functions {names}, not {sorted(expected)}: see its logs")

    def _latest(self) -> dict[str, Any]:
        response = self._scm(HttpRequest("GET", "/api/deployments/latest"))
        return response.json() if response.status_code == 200 else {}

    def _functions(self, site_id: str) -> list[str]:
        response = self._management(HttpRequest("GET", f"{site_id}/functions", params={"api-version": "2025-05-01"}))
        if response.status_code != 200:
            raise ReleaseError(f"the app's functions could not be listed: {describe(response)}")
        return sorted(item["properties"]["name"] for item in response.json()["value"])

    def _until[Answer](self, ask: Callable[[], Answer], done: Callable[[Answer], bool]) -> Answer:
        return until(ask, done, seconds=self._timeout, first_wait=self._first_wait)


class _ReleaseProvider(dynamic.ResourceProvider):
    """Nothing but names goes into state: the token is fetched when it is needed, and never stored."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        self._ship(props)
        return dynamic.CreateResult(f"{props['site']}/release", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        # Not the package's path: where a zip lies says nothing about what is in it.
        decisive = ("sha256", "site", "scm_host", "functions")
        return dynamic.DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in decisive))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        self._ship(_news)
        return dynamic.UpdateResult(_news)

    @staticmethod
    def _ship(props: dict[str, Any]) -> None:
        publisher = Publisher(sender(f"https://{props['scm_host']}"), sender())
        publisher.publish(Path(props["package"]).read_bytes())
        publisher.check(props["site"], props["functions"])


class Release(dynamic.Resource, module="image-pipeline", name="Release"):
    """`bundle`, live on `app`, with exactly `functions` registered; shipped again only when its content changes."""

    sha256: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        app: FunctionApp,
        bundle: Bundle,
        functions: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "site": app.site.id,
            "scm_host": app.scm_host,
            "package": bundle.path.as_posix(),
            "sha256": bundle.sha256,
            "functions": [*functions],
        }
        super().__init__(_ReleaseProvider(), name, inputs, opts)
