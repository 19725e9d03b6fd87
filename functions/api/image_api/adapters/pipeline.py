"""The pipeline app, which deletes images: the API's own identity may not."""

from azure.core import AsyncPipelineClient
from azure.core.pipeline.policies import AsyncRetryPolicy, UserAgentPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest
from common.adapters.azure_clients import AzureClients
from common.adapters.service_errors import ServiceBoundary
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import AuthorizationError, RetryLaterError

_SERVICE = "the pipeline app"


class PipelineImageDeleter:
    """`ports.ImageDeleter`: passes the caller's own access token on, which the pipeline app validates once more.

    Args:
        url: address of the pipeline app's functions, without a slash at its end.
        azure: transport of the requests.
    """

    def __init__(self, url: str, azure: AzureClients) -> None:
        self._url = url
        self._boundary = ServiceBoundary(_SERVICE, CircuitBreaker(_SERVICE))
        self._client = AsyncPipelineClient[HttpRequest, AsyncHttpResponse](
            url, transport=azure.transport, policies=[UserAgentPolicy(), AsyncRetryPolicy(retry_total=1)]
        )

    async def delete(self, record_id: str, authorization: str) -> bool:
        """Implements `ports.ImageDeleter.delete`. Raises AuthorizationError if the pipeline app refuses the caller."""
        request = HttpRequest("DELETE", f"{self._url}/images/{record_id}", headers={"Authorization": authorization})
        with self._boundary:
            response = await self._client.send_request(request)
            if response.status_code in {401, 403}:
                raise AuthorizationError(response.status_code, "the pipeline app refused the access token")
            if response.status_code not in {200, 404}:
                raise RetryLaterError(f"{_SERVICE}: HTTP status {response.status_code}")
        return response.status_code == 200
