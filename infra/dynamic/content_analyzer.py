"""Definition of an analyzer of Content Understanding, as part of `pulumi up` and with the deployer's own identity."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pulumi
from pulumi import dynamic

from infra.core.errors import ContentAnalyzerError
from infra.dynamic.arm_client import authenticated_client
from infra.dynamic.content_analyzer_client import TOKEN_SCOPE, ContentAnalyzerClient, describes


class _ContentAnalyzerProvider(dynamic.ResourceProvider):
    """Only names and the definition are stored in the state: the token is fetched when it is needed."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        client = _client(props["endpoint"])
        client.check_model(props["definition"]["models"]["completion"])
        client.set_defaults(props["deployments"])
        client.create_analyzer(props["analyzer_id"], props["definition"])
        return dynamic.CreateResult(_resource_id(props), props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        # A new analyzer is defined before the old one is deleted: images that are being analyzed end with the old one.
        replaces = [key for key in ("endpoint", "analyzer_id") if _olds.get(key) != _news.get(key)]
        changes = any(_olds.get(key) != _news.get(key) for key in ("definition", "deployments"))
        return dynamic.DiffResult(changes=changes or bool(replaces), replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Restore what was changed otherwise: a new definition would be another analyzer."""
        client = _client(_news["endpoint"])
        client.set_defaults(_news["deployments"])
        client.create_analyzer(_news["analyzer_id"], _news["definition"], replace=True)
        return dynamic.UpdateResult(_news)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """What the service has. Who may not look, such as an identity that only previews, reports no difference."""
        client = _client(props["endpoint"], timeout_seconds=0)
        with suppress(ContentAnalyzerError):
            analyzer = client.find_analyzer(props["analyzer_id"])
            if analyzer is None:
                return dynamic.ReadResult("", {})
            if not describes(analyzer, props["definition"]):
                actual = {name: analyzer.get(name) for name in props["definition"]}
                return dynamic.ReadResult(id_, props | {"definition": actual})
        return dynamic.ReadResult(id_, props)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        # Whatever the answer: an analyzer costs nothing and is deleted with its account, and a deployer who may not
        # delete it must still be able to destroy the stack.
        _client(_props["endpoint"]).delete_analyzer(_props["analyzer_id"])


def _client(endpoint: str, *, timeout_seconds: float = 600) -> ContentAnalyzerClient:
    send = authenticated_client(endpoint.rstrip("/"), token_scope=TOKEN_SCOPE)
    return ContentAnalyzerClient(send, timeout_seconds=timeout_seconds)


def _resource_id(props: Mapping[str, Any]) -> str:
    return f"{props['endpoint']}contentunderstanding/analyzers/{props['analyzer_id']}"


class ContentAnalyzerDefinition(dynamic.Resource, module="image-pipeline", name="ContentAnalyzerDefinition"):
    """An analyzer of Content Understanding in one account, with the deployments that its model is called by.

    Args:
        name: Logical name.
        endpoint: The account's URL, with a slash at its end.
        analyzer_id: Id of the analyzer; another definition needs another one.
        definition: The definition, with the names of the API.
        deployments: Name of the deployment of each model.
    """

    def __init__(
        self,
        name: str,
        *,
        endpoint: pulumi.Input[str],
        analyzer_id: str,
        definition: Mapping[str, Any],
        deployments: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "endpoint": endpoint,
            "analyzer_id": analyzer_id,
            "definition": dict(definition),
            "deployments": dict(deployments),
        }
        super().__init__(_ContentAnalyzerProvider(), name, inputs, opts)
