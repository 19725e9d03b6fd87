"""Access tokens for the API of a stack, for the identity that is signed in."""

import threading
import time

from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential

from client.errors import ClientError
from client.stack_outputs import StackOutputs, read_stack_outputs

# A token that is valid for less than this is replaced: longer than any request with it takes.
_RENEWAL_SECONDS = 300


class AccessTokens:
    """The access token for the API of a stack, renewed before it expires.

    Raises:
        ClientError: The stack was deployed without sign-in.
    """

    def __init__(self, stack: str, outputs: StackOutputs) -> None:
        if not outputs.api_client_id:
            raise ClientError(f"the stack {stack} was deployed without sign-in (setting signIn, docs/sign-in.md)")
        self._client_id = outputs.api_client_id
        self._credential = DefaultAzureCredential()
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def get(self) -> str:
        """Return a token that is valid for minutes at least. Raises ClientError if Entra ID issues no token."""
        with self._lock:
            if self._token is None or self._token.expires_on - time.time() < _RENEWAL_SECONDS:
                try:
                    self._token = self._credential.get_token(f"{self._client_id}/.default")
                except ClientAuthenticationError as error:
                    raise ClientError(f"no token for {self._client_id}: {error.message}") from error
            return self._token.token


def run_token(stack: str) -> int:
    """Print an access token for the API of a stack. It is a secret for as long as it is valid.

    Returns:
        The exit code, 0.
    """
    print(AccessTokens(stack, read_stack_outputs(stack)).get())
    return 0
