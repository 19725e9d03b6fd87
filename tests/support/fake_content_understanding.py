"""Fake of Content Understanding: a transport whose operations have the results that a test gives."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.fake_transport import FakeResponse, FakeTransport, read_content

ANALYZER = "imgpipe_0123456789abcdef"
READ = "prebuilt-read"
CONTENT_UNDERSTANDING: dict[str, Any] = {
    "endpoints": ["https://content1.services.ai.azure.com/"],
    "analyzerId": ANALYZER,
    "model": "gpt-5.4-mini 2026-03-17",
    "categories": ["animal", "street"],
    "callsPerSecond": 100,
    "operationsPerSecond": 300,
    "instances": 1,
}
FIELDS: dict[str, Any] = {
    "caption": {"type": "string", "valueString": "A cat on a sofa."},
    "tags": {
        "type": "array",
        "valueArray": [{"type": "string", "valueString": "cat"}, {"type": "string", "valueString": "sofa"}],
    },
    "category": {"type": "string", "valueString": "animal"},
}
USAGE: dict[str, Any] = {
    "contextualizationTokens": 1000,
    "tokens": {"gpt-5.4-mini-input": 1100, "gpt-5.4-mini-output": 90},
}
# `prebuilt-read` has no language model.
READ_USAGE: dict[str, Any] = {"documentPagesBasic": 1}
# Two lines of text in pixels, the second at an angle and with an offset that is left out in the first.
PAGE: dict[str, Any] = {
    "pageNumber": 1,
    "width": 640,
    "height": 480,
    "words": [
        {"content": "HELLO", "span": {"length": 5}, "confidence": 0.99, "source": "D(1,10,11,30,11,30,21,10,21)"},
        {"content": "CAT", "span": {"offset": 6, "length": 3}, "confidence": 0.75},
        {"content": "BYE", "span": {"offset": 10, "length": 3}, "confidence": 0.5},
    ],
    "lines": [
        {"content": "HELLO CAT", "source": "D(1,10,11,50,10,51.4,20,9.2,21)", "span": {"length": 9}},
        {"content": "BYE", "source": "D(1,10,41,50,40,51,50,9,51)", "span": {"offset": 10, "length": 3}},
    ],
}
TEXT: dict[str, Any] = {"markdown": "HELLO CAT\nBYE", "kind": "document", "unit": "pixel", "pages": [PAGE]}


def succeeded(
    content: dict[str, Any], *, warnings: tuple[dict[str, Any], ...] = (), usage: dict[str, Any] | None = USAGE
) -> dict[str, Any]:
    """Return an operation that has succeeded, with one content."""
    result = {
        "analyzerId": "any",
        "apiVersion": "2025-11-01",
        "warnings": [*warnings],
        "contents": [{"mimeType": "image/png", "startPageNumber": 1, "endPageNumber": 1, **content}],
    }
    return {"id": "any", "status": "Succeeded", "result": result, "usage": usage}


def failed(**error: Any) -> dict[str, Any]:
    """Return an operation that has failed."""
    return {"id": "any", "status": "Failed", "error": error}


UNFINISHED = {"id": "any", "status": "Running"}


class FakeContentUnderstanding(FakeTransport):
    """Starts an operation with each POST; each GET has the next response for its analyzer, the last one for ever.

    Attributes:
        results: status, body and headers of the responses to GET, by analyzer.
        starts: the same of the responses to POST; without any, operations are started.
        requests: the requests that were sent.
    """

    def __init__(
        self,
        results: dict[str, list[tuple[int, Any, dict[str, str]]]] | None = None,
        *,
        starts: list[tuple[int, Any, dict[str, str]]] | None = None,
    ) -> None:
        self.results = results or {
            ANALYZER: [(200, succeeded({"fields": FIELDS}), {})],
            READ: [(200, succeeded(TEXT, usage=READ_USAGE), {})],
        }
        self.starts = starts or []
        self.requests: list[dict[str, Any]] = []
        self.operations: dict[str, str] = {}

    async def send(self, request: Any, **_: Any) -> Any:
        url = urlsplit(request.url)
        self.requests.append(
            {
                "method": request.method,
                "url": f"{url.scheme}://{url.netloc}{url.path}",
                "query": {name: values[0] for name, values in parse_qs(url.query).items()},
                "body": await read_content(request),
                "headers": dict(request.headers),
            }
        )
        name = url.path.rpartition("/")[2]
        if request.method == "POST":
            if self.starts:
                return FakeResponse(*(self.starts.pop(0) if len(self.starts) > 1 else self.starts[0]))
            return self._start(name.partition(":")[0], url.netloc)
        responses = self.results[self.operations[name]]
        return FakeResponse(*(responses.pop(0) if len(responses) > 1 else responses[0]))

    def _start(self, analyzer: str, host: str) -> FakeResponse:
        operation = f"op-{len(self.operations) + 1}"
        self.operations[operation] = analyzer
        location = f"https://{host}/contentunderstanding/analyzerResults/{operation}?api-version=2025-11-01"
        return FakeResponse(202, json.loads(json.dumps(UNFINISHED)), {"Operation-Location": location})
