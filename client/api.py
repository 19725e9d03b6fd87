"""Requests to the API of a stack (docs/api.md)."""

from collections.abc import Callable, Mapping
from urllib.parse import urljoin

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from client.errors import ClientError
from client.stack_outputs import StackOutputs
from client.tokens import AccessTokens

_TIMEOUT_SECONDS = 60
# The API limits the requests of each caller, and says when to send the next one.
_RETRIES = 5
_CONNECTIONS = 2
_TOO_MANY_REQUESTS = 429
# Characters of an answer that is no problem document.
_SHOWN_CHARACTERS = 500


class ApiProblemError(ClientError):
    """The API has refused a request.

    Args:
        url: The address.
        status: HTTP status.
        code: Code of the problem document (docs/api.md); empty if the answer is none.
        text: The explanation.
    """

    def __init__(self, url: str, *, status: int, code: str, text: str) -> None:
        super().__init__(f"{url} answered {status}: {text}")
        self.status = status
        self.code = code


class ApiClient:
    """Sends requests to the API as the identity that is signed in.

    Args:
        url: Address of the API, the stack output `imageApiUrl`.
        get_token: Returns the access token for a request.
    """

    def __init__(self, url: str, get_token: Callable[[], str]) -> None:
        self._url = url.rstrip("/")
        self._get_token = get_token
        self._session = requests.Session()
        retry = Retry(
            total=_RETRIES,
            connect=_CONNECTIONS,
            status_forcelist=(_TOO_MANY_REQUESTS,),
            allowed_methods=None,
            backoff_factor=0.2,
            raise_on_status=False,
        )
        self._session.mount(self._url, HTTPAdapter(max_retries=retry, pool_maxsize=16))

    def send(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, str | int] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Send a request and return the response, whose status is below 400.

        Args:
            method: HTTP method.
            path: Path below `/api`, such as `images`; or a path that the API has answered, such as `/api/images/…`.
            parameters: Parameters of the query.
            body: Is sent as JSON.
            headers: Further headers.

        Raises:
            ApiProblemError: The API refuses the request.
            ClientError: The API cannot be reached, or Entra ID issues no token.
        """
        url = urljoin(f"{self._url}/", path)
        try:
            response = self._session.request(
                method,
                url,
                params=parameters,
                json=body,
                headers={**(headers or {}), "Authorization": f"Bearer {self._get_token()}"},
                timeout=_TIMEOUT_SECONDS,
            )
        except requests.RequestException as error:
            raise ClientError(f"{url} does not answer: {error}") from error
        if response.status_code >= 400:
            raise _problem(url, response)
        return response


def create_api_client(stack: str, outputs: StackOutputs) -> ApiClient:
    """Return a client of the API of a stack, for the identity that is signed in.

    Raises:
        ClientError: The stack has no API, or Entra ID issues no token for it.
    """
    if not outputs.image_api_url:
        raise ClientError(f"the stack {stack} has no API: it was deployed without sign-in (docs/sign-in.md)")
    tokens = AccessTokens(stack, outputs)
    # A failed sign-in is one error of the command, not one of each file.
    tokens.get()
    return ApiClient(outputs.image_api_url, tokens.get)


def _problem(url: str, response: requests.Response) -> ApiProblemError:
    """Return the error of a problem document, or of any other body."""
    code = ""
    try:
        problem = response.json()
        errors = [f"{error['location']}: {error['detail']}" for error in problem.get("errors", [])]
        text = " ".join([problem["detail"], *errors])
        code = problem["code"]
    except (ValueError, KeyError, TypeError, AttributeError):
        text = response.text[:_SHOWN_CHARACTERS]
    return ApiProblemError(url, status=response.status_code, code=code, text=text)
