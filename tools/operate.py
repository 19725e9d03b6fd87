"""Calls an operator's endpoint of a stack, `redrive` or `backfill`, as whoever is signed in, and prints the answer.

Exit code 0 when the app did what it was asked and all of it, 1 when it did not, 2 when it could not be asked.
"""

import argparse
import json
import sys
from typing import Any

import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import DefaultAzureCredential
from rich.console import Console
from rich.table import Table
from stack import UsageError, outputs

# The app ends by itself after 200 seconds, before Azure's load balancer would: HTTP_FUNCTION_SECONDS in
# functions/pipeline/classifier/domain/timeouts.py.
_TIMEOUT_SECONDS = 240


def ask(stack: str, what: str) -> dict[str, Any]:
    """The app's answer. Raises UsageError when the stack or its endpoints cannot be reached."""
    found = outputs(stack)
    audience = found.get("apiAudience")
    if not audience:
        raise UsageError(f"the stack {stack} has no apiAudience, so there is nothing to sign in to (README, Operate)")
    try:
        token = DefaultAzureCredential().get_token(f"{audience}/.default").token
    except ClientAuthenticationError as error:
        raise UsageError(f"no token for {audience}: {error.message}") from error
    headers = {"Authorization": f"Bearer {token}"}
    try:
        answer = requests.post(f"{found['apiUrl']}/{what}", headers=headers, timeout=_TIMEOUT_SECONDS)
    except requests.RequestException as error:
        raise UsageError(f"{found['apiUrl']} does not answer: {error}") from error
    if answer.status_code != 200:
        raise UsageError(f"{what} was refused with {answer.status_code}: {answer.text[:500]}")
    return answer.json()


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("redrive", "backfill"))
    parser.add_argument("--stack", default="local")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    try:
        answer = ask(arguments.stack, arguments.what)
    except UsageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments.format == "json":
        print(json.dumps(answer))
    else:
        printed = Table()
        for name in answer:
            printed.add_column(name)
        printed.add_row(*map(str, answer.values()))
        Console().print(printed)
    return 0 if answer.get("finished", True) else 1


if __name__ == "__main__":
    sys.exit(main())
