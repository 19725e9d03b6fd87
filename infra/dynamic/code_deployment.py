"""Release: the function code, shipped as part of `pulumi up` with the deployer's own identity."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pulumi
from pulumi import dynamic

from infra.components.function_app import FunctionApp
from infra.dynamic.arm_client import sender
from infra.dynamic.code_deployer import Publisher
from infra.dynamic.package_revision import PackageRevision
from infra.packaging import Bundle


class _ReleaseProvider(dynamic.ResourceProvider):
    """Nothing but names goes into state: the token is fetched when it is needed, and never stored."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        self._ship(props)
        return dynamic.CreateResult(f"{props['site']}/release", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        # Not the package's path: where a zip lies says nothing about what is in it.
        decisive = ("sha256", "revision", "site", "scm_host", "functions")
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
        revision = PackageRevision(f"{name}-package", sha256=bundle.sha256, opts=opts)
        inputs = {
            "site": app.site.id,
            "scm_host": app.scm_host,
            "package": bundle.path.as_posix(),
            "sha256": bundle.sha256,
            "revision": revision.revision,
            "functions": [*functions],
        }
        # Changing a publishing policy locks the site and may restart its deployment service:
        # https://github.com/pulumi/pulumi-azure-native/issues/4461
        settled = pulumi.ResourceOptions(depends_on=[revision, *app.publishing_policies])
        super().__init__(_ReleaseProvider(), name, inputs, pulumi.ResourceOptions.merge(opts, settled))
