"""Azure AI Vision: embeddings of texts."""

import random
from collections.abc import Sequence
from typing import Annotated

import msgspec
from azure.core import AsyncPipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.rest import AsyncHttpResponse, HttpRequest
from common.adapters.azure_clients import AzureClients
from common.adapters.service_errors import ServiceBoundary
from common.domain import embedding_model
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import ConfigurationError, RetryLaterError
from common.domain.queries import VECTOR_DIMENSIONS
from msgspec import Meta, Struct

from image_api.adapters.rights import VECTORIZE_TEXT, RightRequired

_SERVICE = "Azure AI Vision"
_SCOPE = "https://cognitiveservices.azure.com/.default"


class _Embedding(Struct, frozen=True):
    vector: Annotated[tuple[float, ...], Meta(min_length=VECTOR_DIMENSIONS, max_length=VECTOR_DIMENSIONS)]


class VisionTextVectorizer:
    """`ports.TextVectorizer` for several accounts: those that reject a call because of its rate are left out.

    https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/image-retrieval#call-the-vectorize-text-api
    """

    def __init__(self, endpoints: Sequence[str], azure: AzureClients) -> None:
        self._urls = [f"{endpoint.rstrip('/')}/computervision/retrieval:vectorizeText" for endpoint in endpoints]
        self._boundaries = [ServiceBoundary(_SERVICE, CircuitBreaker(_SERVICE)) for _ in endpoints]
        self._client = AsyncPipelineClient[HttpRequest, AsyncHttpResponse](
            "", transport=azure.transport, policies=azure.policies(_SCOPE, retry_total=0)
        )

    async def vectorize(self, text: str) -> tuple[float, ...]:
        """Implements `ports.TextVectorizer.vectorize`."""
        accounts = list(zip(self._urls, self._boundaries, strict=True))
        random.shuffle(accounts)
        for url, boundary in accounts[:-1]:
            try:
                return await self._call(url, boundary, text)
            except RetryLaterError:
                continue
        return await self._call(*accounts[-1], text)

    async def _call(self, url: str, boundary: ServiceBoundary, text: str) -> tuple[float, ...]:
        request = HttpRequest("POST", url, params=embedding_model.REQUEST_PARAMETERS, json={"text": text})
        with RightRequired(_SERVICE, VECTORIZE_TEXT), boundary:
            response = await self._client.send_request(request)
            try:
                response.raise_for_status()
            except HttpResponseError as error:
                if error.status_code in {400, 404}:
                    raise ConfigurationError("VectorizeTextRefused", f"{_SERVICE}: {error}") from error
                raise
            try:
                return msgspec.json.decode(response.content, type=_Embedding).vector
            except msgspec.DecodeError as error:
                raise RetryLaterError(f"{_SERVICE}: the response has no embedding: {error}") from error
