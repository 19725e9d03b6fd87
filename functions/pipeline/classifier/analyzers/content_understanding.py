"""Azure Content Understanding: the stack's own analyzer for tags, caption and category, and the service's for text.

The service answers by long-running operations: one request starts an analysis, and others ask for its result. The
requests are those of the SDK azure-ai-contentunderstanding, which offers none for a single look at an operation that
another process has started (docs/decisions/0047).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote, urlsplit

from azure.core import AsyncPipelineClient
from azure.core.rest import AsyncHttpResponse, HttpRequest
from common.adapters.azure_clients import AzureClients
from common.domain import metrics
from common.domain.findings import Caption, Findings
from common.domain.image_limits import CONTENT_UNDERSTANDING_LIMITS
from common.domain.models import Analysis, ImageInfo, Tokens
from msgspec import UNSET, Meta, UnsetType

from classifier.analyzers.account_pool import AccountPool
from classifier.analyzers.content_understanding_responses import (
    Content,
    Field,
    OperationStatus,
    parse_start,
    parse_status,
    read_lines,
    require_contents,
)
from classifier.analyzers.generated_findings import OTHER, check_category, create_tags
from classifier.analyzers.http_requests import build_image_request, create_client_options
from classifier.analyzers.options import AnalyzerOptions, parse_options
from classifier.analyzers.responses import read_result
from classifier.domain.errors import OperationLostError
from classifier.domain.models import LongRunningOperation
from classifier.domain.ports import Analyzer
from classifier.domain.rate_limiter import Quota

_NAME = "content-understanding"
_API_VERSION = "2025-11-01"
_PATH = "/contentunderstanding"
_READ_ANALYZER = "prebuilt-read"
FEATURES = ("tags", "caption", "read")


class ContentUnderstandingOptions(AnalyzerOptions, frozen=True, kw_only=True, rename="camel"):
    """The options of Content Understanding; `callsPerSecond` are the images that one account accepts."""

    endpoints: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        Meta(description="Endpoints of the accounts.", min_length=1, extra={"allowed": "a list of texts"}),
    ]
    analyzer_id: Annotated[
        str, Meta(description="Id of the stack's own analyzer.", min_length=1, extra={"allowed": "a text"})
    ]
    model: Annotated[str, Meta(description="Name and version of the model.", min_length=1, extra={"allowed": "a text"})]
    categories: Annotated[
        tuple[str, ...],
        Meta(
            description="Categories to choose one of, besides `other`; none without.",
            extra={"allowed": "a list of texts"},
        ),
    ]
    operations_per_second: Annotated[
        float,
        Meta(
            description="The requests of any kind that one account accepts.", gt=0, extra={"allowed": "a number over 0"}
        ),
    ]

    @property
    def request_quota(self) -> Quota:
        """The quota of one account for requests of any kind."""
        return Quota(calls_per_second=self.operations_per_second, instances=round(self.instances))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Account:
    """One account: the name that leases have for it, and the URL that its requests begin with."""

    name: str
    url: str
    client: AsyncPipelineClient[HttpRequest, AsyncHttpResponse]


class _Operations:
    """Operations of the accounts of a pool."""

    def __init__(self, accounts: Sequence[_Account], pool: AccountPool[_Account]) -> None:
        self._accounts = {account.name: account for account in accounts}
        self._pool = pool

    async def start(
        self, analyzer_id: str, content: bytes, query: Mapping[str, str], *, paid: bool
    ) -> tuple[LongRunningOperation, float]:
        """Start an operation at the account that is available first."""

        async def send(account: _Account) -> tuple[LongRunningOperation, float]:
            url = f"{account.url}/analyzers/{quote(analyzer_id, safe='')}:analyzeBinary"
            parameters = {"api-version": _API_VERSION, "stringEncoding": "codePoint", **query}
            response = await account.client.send_request(build_image_request(url, content, parameters))
            operation_id, retry_after = parse_start(response)
            return LongRunningOperation(account=account.name, id=operation_id), retry_after

        return await self._pool.call(send, paid=paid)

    async def get_contents(self, operation: LongRunningOperation) -> tuple[Sequence[Content], OperationStatus]:
        """Return the contents that an operation has found; raises what `ports.LongRunningCall.get_result` raises."""
        account = self._accounts.get(operation.account)
        if account is None:
            raise OperationLostError(f"the account {operation.account} is not configured any more")

        async def send(account: _Account) -> tuple[OperationStatus, float] | None:
            # Never the URL that the service has answered: the request has a token.
            url = f"{account.url}/analyzerResults/{quote(operation.id, safe='')}"
            request = HttpRequest("GET", url, params={"api-version": _API_VERSION})
            return parse_status(await account.client.send_request(request))

        answer = await self._pool.request(account, send)
        if answer is None:
            raise OperationLostError(f"the operation {operation.id} does not exist any more")
        status, retry_after = answer
        if status.is_throttled:
            self._pool.on_throttled(account)
        contents = require_contents(status, retry_after)
        if not isinstance(status.tokens, UnsetType):
            metrics.add("inputTokens", status.tokens.input)
            metrics.add("outputTokens", status.tokens.output)
        return contents, status


class GeneratedFields:
    """`ports.LongRunningCall`: tags, caption and category, as the stack's own analyzer defines them."""

    def __init__(self, operations: _Operations, options: ContentUnderstandingOptions, features: Sequence[str]) -> None:
        self._operations = operations
        self._analyzer_id = options.analyzer_id
        self._model_version = f"{options.model} {options.analyzer_id}"
        self._features = [feature for feature in features if feature != "read"]
        self._categories = (*options.categories, OTHER) if options.categories else ()
        # The analyzer's id is made of its definition.
        self.fingerprint = f"{_NAME}/{_API_VERSION}/{self._model_version} {json.dumps(sorted(self._features))}"

    async def start(self, content: bytes, info: ImageInfo, *, paid: bool) -> tuple[LongRunningOperation, float]:
        """Implements `ports.LongRunningCall.start`."""
        return await self._operations.start(self._analyzer_id, content, {}, paid=paid)

    async def get_result(self, operation: LongRunningOperation) -> Analysis:
        """Implements `ports.LongRunningCall.get_result`."""
        contents, status = await self._operations.get_contents(operation)
        return _create_analysis(read_result(lambda: self._findings(contents)), self._model_version, status.tokens)

    def _findings(self, contents: Sequence[Content]) -> Findings:
        """Return the findings. Raises ValueError if the category is none of the configured ones.

        Fields that the model has left empty are no error: they may have nothing to say.
        """
        fields = {name: field for content in contents for name, field in (content.fields or {}).items()}
        tags = create_tags([item.value_string or "" for item in fields.get("tags", Field()).value_array or ()])
        caption = (fields.get("caption", Field()).value_string or "").strip()
        category = fields.get("category", Field()).value_string
        if not (tags or caption or category):
            metrics.add("emptyAnalysis")
        elif self._categories:
            category = check_category(category or OTHER, self._categories)
        return Findings(
            tags=tags if "tags" in self._features else UNSET,
            category=category if self._categories and category else UNSET,
            caption=Caption(text=caption, confidence=None) if "caption" in self._features and caption else UNSET,
        )


class TextRecognition:
    """`ports.LongRunningCall`: lines of text, as the service's own analyzer reads them, without a language model."""

    fingerprint = f"{_NAME}/{_API_VERSION}/{_READ_ANALYZER}"

    def __init__(self, operations: _Operations) -> None:
        self._operations = operations

    async def start(self, content: bytes, info: ImageInfo, *, paid: bool) -> tuple[LongRunningOperation, float]:
        """Implements `ports.LongRunningCall.start`; by default the service may process the image anywhere."""
        query = {"processingLocation": "geography"}
        return await self._operations.start(_READ_ANALYZER, content, query, paid=paid)

    async def get_result(self, operation: LongRunningOperation) -> Analysis:
        """Implements `ports.LongRunningCall.get_result`."""
        contents, status = await self._operations.get_contents(operation)
        return _create_analysis(Findings(read=read_lines(contents)), _READ_ANALYZER, status.tokens)


class ContentUnderstanding:
    """`ports.Analyzer` for a pool of accounts."""

    def __init__(
        self, accounts: Sequence[_Account], options: ContentUnderstandingOptions, features: Sequence[str]
    ) -> None:
        self._pool = AccountPool(accounts, options.quota, request_quota=options.request_quota)
        operations = _Operations(accounts, self._pool)
        self.features = tuple(features)
        self.limits = CONTENT_UNDERSTANDING_LIMITS
        self.fingerprint = (
            f"{_NAME}/{_API_VERSION}/{options.model} {options.analyzer_id} {json.dumps(sorted(self.features))}"
        )
        calls: list[GeneratedFields | TextRecognition] = []
        if {"tags", "caption"} & {*features} or options.categories:
            calls.append(GeneratedFields(operations, options, features))
        if "read" in features:
            calls.append(TextRecognition(operations))
        self.calls = tuple(calls)

    def check_capacity(self) -> None:
        """Implements `ports.Analyzer.check_capacity`."""
        self._pool.check_capacity()


def _create_analysis(findings: Findings, model_version: str, tokens: Tokens | UnsetType) -> Analysis:
    return Analysis(
        analyzer=_NAME, api_version=_API_VERSION, model_version=model_version, findings=findings, tokens=tokens
    )


def build(options: Mapping[str, object], features: Sequence[str], azure: AzureClients) -> Analyzer:
    """Create the analyzer. Raises SettingsError if options or features are wrong."""
    parsed = parse_options(options, ContentUnderstandingOptions, analyzer=_NAME, features=features, supported=FEATURES)
    accounts = [
        _Account(
            name=urlsplit(endpoint).hostname or endpoint,
            url=endpoint.rstrip("/") + _PATH,
            client=AsyncPipelineClient(endpoint, **create_client_options(azure)),
        )
        for endpoint in parsed.endpoints
    ]
    return ContentUnderstanding(accounts, parsed, features)
