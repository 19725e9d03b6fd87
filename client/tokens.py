"""Access tokens for the API of a stack, for the identity that is signed in."""

from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential

from client.errors import ClientError
from client.stack_outputs import StackOutputs, read_stack_outputs


def get_access_token(stack: str, outputs: StackOutputs) -> str:
    """Return an access token for the API of a stack.

    Raises:
        ClientError: The stack was deployed without sign-in, or Entra ID issues no token.
    """
    client_id = outputs.api_client_id
    if not client_id:
        raise ClientError(f"the stack {stack} was deployed without sign-in (setting signIn, docs/sign-in.md)")
    try:
        return DefaultAzureCredential().get_token(f"{client_id}/.default").token
    except ClientAuthenticationError as error:
        raise ClientError(f"no token for {client_id}: {error.message}") from error


def run_token(stack: str) -> int:
    """Print an access token for the API of a stack. It is a secret for as long as it is valid.

    Returns:
        The exit code, 0.
    """
    print(get_access_token(stack, read_stack_outputs(stack)))
    return 0
