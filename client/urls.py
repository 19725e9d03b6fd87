"""Addresses of a stack: the gallery for people, the API and the token endpoint for programs."""

import json
import sys

from client.stack_outputs import StackOutputs, read_stack_outputs


def stack_urls(outputs: StackOutputs) -> dict[str, str]:
    """Return the addresses by what is there; none if the stack was deployed without sign-in."""
    if not outputs.gallery_url:
        return {}
    return {
        "gallery": outputs.gallery_url,
        "api": outputs.image_api_url,
        "token": f"https://login.microsoftonline.com/{outputs.tenant_id}/oauth2/v2.0/token",
    }


def run_urls(stack: str, output_format: str) -> int:
    """Print the addresses of a stack as lines, or as one line of JSON.

    Returns:
        The exit code, 0: a stack without sign-in has no addresses, and standard error says so.

    Raises:
        ClientError: The stack is not deployed.
    """
    urls = stack_urls(read_stack_outputs(stack))
    if not urls:
        print(
            f"the stack {stack} has no gallery and no API: it was deployed without sign-in (docs/sign-in.md)",
            file=sys.stderr,
        )
    if output_format == "json":
        print(json.dumps(urls))
        return 0
    for name, url in urls.items():
        print(f"{name:<8} {url}")
    return 0
