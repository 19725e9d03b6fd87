"""Deployment of the function code, as part of `pulumi up` and with the deployer's own identity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from infra.core.context import DeploymentPackage
from infra.dynamic.arm_client import authenticated_client
from infra.dynamic.code_deployer import CodeDeployer
from infra.dynamic.package_revision import PackageRevision


@dataclass(frozen=True, kw_only=True)
class DeploymentTarget:
    """A function app that code can be deployed to.

    Attributes:
        site_id: ARM id of the app.
        scm_host: Host name of the app's deployment service (SCM).
        prerequisites: What must be created before a deployment begins.
    """

    site_id: pulumi.Input[str]
    scm_host: pulumi.Input[str]
    prerequisites: Sequence[pulumi.Resource]


class _CodeDeploymentProvider(dynamic.ResourceProvider):
    """Only names and hashes are stored in the state: the token is fetched when it is needed."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        self._deploy(props)
        return dynamic.CreateResult(f"{props['site']}/code-deployment", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        # The package's path is left out: it says nothing about the content.
        compared = ("sha256", "revision", "site", "scm_host", "functions")
        return dynamic.DiffResult(changes=any(_olds.get(key) != _news.get(key) for key in compared))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        self._deploy(_news)
        return dynamic.UpdateResult(_news)

    @staticmethod
    def _deploy(props: dict[str, Any]) -> None:
        deployer = CodeDeployer(
            send_to_scm=authenticated_client(f"https://{props['scm_host']}"),
            send_to_arm=authenticated_client(),
        )
        deployer.deploy(Path(props["package"]).read_bytes())
        deployer.wait_for_functions(props["site"], props["functions"])


class CodeDeployment(dynamic.Resource, module="image-pipeline", name="CodeDeployment"):
    """A deployment package that runs on a function app; it is deployed again only when its content changes.

    Args:
        name: Logical name.
        target: The function app.
        package: The deployment package.
        expected_functions: Names of the functions that must be registered afterwards, and no others.
    """

    sha256: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        target: DeploymentTarget,
        package: DeploymentPackage,
        expected_functions: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        revision = PackageRevision(f"{name}-package-revision", sha256=package.sha256, opts=opts)
        inputs = {
            "site": target.site_id,
            "scm_host": target.scm_host,
            "package": package.path.as_posix(),
            "sha256": package.sha256,
            "revision": revision.revision,
            "functions": [*expected_functions],
        }
        prerequisites = pulumi.ResourceOptions(depends_on=[revision, *target.prerequisites])
        super().__init__(_CodeDeploymentProvider(), name, inputs, pulumi.ResourceOptions.merge(opts, prerequisites))
