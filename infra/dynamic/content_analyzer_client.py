"""Client of Content Understanding in one account: defaults, and the definitions of analyzers.

https://learn.microsoft.com/rest/api/contentunderstanding/content-analyzers
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, cast

from azure.core.rest import HttpRequest

from infra.core.errors import ContentAnalyzerError
from infra.dynamic.arm_client import SendRequest, poll_until
from infra.dynamic.replies import Reply, send_once

TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default"  # noqa: S105 (no secret)
_PREFIX = "/contentunderstanding"
_API_VERSION = "2025-11-01"
_BASE_ANALYZER = "prebuilt-image"
_REMEDY = "Running `pulumi up` again is safe: it defines what is missing"


class ContentAnalyzerClient:
    """Defines analyzers in one account.

    Args:
        send: Sends a request to the account.
        timeout_seconds: How long a step is retried. A new role assignment can take ten minutes to become effective:
            https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
        first_wait_seconds: Seconds before the first retry; the wait doubles, up to 15 seconds.
    """

    def __init__(self, send: SendRequest, *, timeout_seconds: float = 600, first_wait_seconds: float = 1) -> None:
        self._send = send
        self._timeout = timeout_seconds
        self._first_wait = first_wait_seconds

    def check_model(self, model: str) -> None:
        """Raise ContentAnalyzerError unless the service supports the model for images; the text has those it does."""
        reply = self._request("GET", f"/analyzers/{_BASE_ANALYZER}", step=f"{_BASE_ANALYZER} could not be read")
        supported = _completion_models(reply.content)
        if model not in supported:
            raise ContentAnalyzerError(
                f"Content Understanding does not support {model} for images; it supports"
                f" {', '.join(supported) or 'none'}. Set foundry.model and foundry.version to one of those that"
                " infra/config/models.py has too"
            )

    def set_defaults(self, deployments: Mapping[str, str]) -> None:
        """Let models be called by their deployments; other models keep theirs."""
        self._request(
            "PATCH",
            "/defaults",
            step="the deployments of the models could not be stored",
            body={"modelDeployments": dict(deployments)},
            content_type="application/merge-patch+json",
        )

    def find_analyzer(self, analyzer_id: str) -> Mapping[str, Any] | None:
        """Return the analyzer as the service describes it; None if there is none."""
        reply = self._request(
            "GET", f"/analyzers/{analyzer_id}", step=f"{analyzer_id} could not be read", accepted=frozenset({404})
        )
        return reply.content if reply.ok else None

    def create_analyzer(self, analyzer_id: str, definition: Mapping[str, Any], *, replace: bool = False) -> None:
        """Define an analyzer, and return once it can be used.

        An analyzer of this id is left alone if it has the same definition, and is replaced if `replace` is set. A user
        reports that the service confirms replacements without making them; it is then deleted and defined anew.

        Raises:
            ContentAnalyzerError: There is another definition under this id, or the service refuses this one.
        """
        existing = self.find_analyzer(analyzer_id)
        if existing is not None and not describes(existing, definition) and not replace:
            raise ContentAnalyzerError(
                f"{analyzer_id} exists with another definition: something else than this program has changed it. Delete"
                f" it, and run `pulumi up` again"
            )
        if existing is None or not describes(existing, definition):
            self._put_analyzer(analyzer_id, definition, query={"allowReplace": "true"} if replace else {})
        actual = self._wait_for_analyzer(analyzer_id)
        if replace and not describes(actual, definition):
            self.delete_analyzer(analyzer_id)
            self._put_analyzer(analyzer_id, definition)
            self._wait_for_analyzer(analyzer_id)

    def delete_analyzer(self, analyzer_id: str) -> Reply:
        """Request once that an analyzer is deleted."""
        return send_once(self._send, _http_request("DELETE", f"/analyzers/{analyzer_id}"))

    def _put_analyzer(
        self, analyzer_id: str, definition: Mapping[str, Any], query: Mapping[str, str] | None = None
    ) -> None:
        self._request(
            "PUT",
            f"/analyzers/{analyzer_id}",
            step=f"{analyzer_id} could not be defined",
            body=definition,
            query=query,
            # Another run has begun to define it.
            accepted=frozenset({409}),
        )

    def _wait_for_analyzer(self, analyzer_id: str) -> Mapping[str, Any]:
        request = _http_request("GET", f"/analyzers/{analyzer_id}")
        reply = self._poll_until(
            lambda: send_once(self._send, request), lambda reply: _status(reply) in {"ready", "failed"}
        )
        if _status(reply) != "ready":
            raise ContentAnalyzerError(f"{analyzer_id} cannot be used: {reply.summary}. {_REMEDY}")
        return reply.content

    def _request(
        self,
        method: str,
        path: str,
        *,
        step: str,
        body: Mapping[str, Any] | None = None,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
        accepted: Collection[int] = frozenset(),
    ) -> Reply:
        """Return the reply to a request, which is repeated while a role assignment or the account may be new.

        Raises:
            ContentAnalyzerError: The reply is no success, and its status is not in `accepted`.
        """

        def is_done(reply: Reply) -> bool:
            return reply.ok or reply.status_code in accepted or not reply.transient

        reply = self._poll_until(
            lambda: send_once(self._send, _http_request(method, path, body, content_type, query)), is_done
        )
        if not reply.ok and reply.status_code not in accepted:
            raise ContentAnalyzerError(f"{step}: {reply.summary}. {_advice(reply)}{_REMEDY}")
        return reply

    def _poll_until(self, poll: Callable[[], Reply], is_done: Callable[[Reply], bool]) -> Reply:
        return poll_until(poll, is_done, timeout_seconds=self._timeout, first_wait_seconds=self._first_wait)


def describes(analyzer: Mapping[str, Any], definition: Mapping[str, Any]) -> bool:
    """Whether an analyzer has a definition: the service adds properties of its own, such as times and defaults."""
    return _contains(analyzer, definition)


def _contains(actual: object, expected: object) -> bool:
    if isinstance(expected, Mapping):
        properties = cast("Mapping[str, object]", expected)
        return isinstance(actual, Mapping) and all(
            _contains(cast("Mapping[str, object]", actual).get(name), value) for name, value in properties.items()
        )
    return actual == expected


def _http_request(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    content_type: str = "application/json",
    query: Mapping[str, str] | None = None,
) -> HttpRequest:
    parameters = {"api-version": _API_VERSION, **(query or {})}
    headers = {} if body is None else {"Content-Type": content_type}
    return HttpRequest(method, _PREFIX + path, params=parameters, headers=headers, json=body)


def _completion_models(content: Any) -> list[str]:
    match content:
        case {"supportedModels": {"completion": [*_]}}:
            return sorted(map(str, content["supportedModels"]["completion"]))
        case _:
            return []


def _status(reply: Reply) -> str:
    match reply.content:
        case {"status": str(status)} if reply.ok:
            return status.lower()
        case _:
            return ""


def _advice(reply: Reply) -> str:
    """What else may be wrong when the service refuses the deployer."""
    if not reply.unauthorized:
        return ""
    return (
        "The deployer needs the role Cognitive Services Content Understanding Owner on the account, and a new"
        " assignment can take ten minutes. With networkAccess private it has to be in the network, or in one peered"
        " with it (docs/deployment.md). "
    )
