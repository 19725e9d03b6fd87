"""Calls an operator's endpoint of a stack's app, `redrive` or `backfill`, as the identity that is signed in."""

import json
from collections.abc import Mapping

import requests
from rich.console import Console
from rich.table import Table

from client.errors import ClientError
from client.stack_outputs import read_stack_outputs
from client.tokens import AccessTokens

# The app ends after 200 seconds (functions/pipeline/classifier/triggers.py), before the load balancer of Azure would.
_TIMEOUT_SECONDS = 240

# The app's JSON answer. redrive: counts `redriven` and `kept`, `finished` and `queue`; backfill: when it begins.
type OperationResult = Mapping[str, int | bool | str]


def call_operation(stack: str, operation: str, parameters: Mapping[str, str]) -> OperationResult:
    """Call an operation of a stack's app and return its answer.

    Args:
        stack: Name of the stack.
        operation: `redrive` or `backfill`.
        parameters: The parameters of the query.

    Raises:
        ClientError: The stack is not deployed, or its app cannot be reached or refuses the call.
    """
    outputs = read_stack_outputs(stack)
    headers = {"Authorization": f"Bearer {AccessTokens(stack, outputs).get()}"}
    try:
        response = requests.post(
            f"{outputs.api_url}/{operation}", params=parameters, headers=headers, timeout=_TIMEOUT_SECONDS
        )
    except requests.RequestException as error:
        raise ClientError(f"{outputs.api_url} does not answer: {error}") from error
    if response.status_code != 200:
        raise ClientError(f"{operation} was refused with {response.status_code}: {response.text[:500]}")
    return response.json()


def run_operation(stack: str, operation: str, parameters: Mapping[str, str], output_format: str) -> int:
    """Call an operation and print its answer as a table or as JSON; arguments are those of `call_operation`.

    Returns:
        The exit code: 1 when the app ended before all messages were sent again, 0 otherwise.
    """
    result = call_operation(stack, operation, parameters)
    if output_format == "json":
        print(json.dumps(result))
    else:
        table = Table()
        for name in result:
            table.add_column(name)
        table.add_row(*map(str, result.values()))
        Console().print(table)
    if result.get("finished", True):
        return 0
    return 1
