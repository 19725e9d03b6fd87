"""The outputs of a deployed stack: where its services are."""

import base64
import hashlib
import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from client.errors import ClientError


@dataclass(frozen=True, kw_only=True)
class StackOutputs:
    """The outputs of a stack that its clients use; infra/outputs.py exports them."""

    images_endpoint: str
    images_container: str
    records_endpoint: str
    records_database: str
    records_container: str
    api_url: str
    # Where images are uploaded, listed and searched; empty without sign-in.
    image_api_url: str
    # The page for people; empty without sign-in.
    gallery_url: str
    tenant_id: str
    # Application (client) id of the API's app registration; empty without sign-in (setting signIn).
    api_client_id: str


def read_stack_outputs(stack: str) -> StackOutputs:
    """Return the outputs of a stack, which the Pulumi CLI reads.

    Raises:
        ClientError: The stack is not deployed, or not by this version of the program.
    """
    return parse_stack_outputs(stack, read_raw_outputs(stack))


def read_raw_outputs(stack: str) -> Mapping[str, Any]:
    """Return what `pulumi stack output --json` prints. Raises ClientError if the stack is not deployed."""
    command = ["pulumi", "stack", "output", "--json", "--stack", stack, "--non-interactive"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise ClientError(f"the stack {stack} is not deployed: {process.stderr.strip()}")
    return json.loads(process.stdout)


def parse_stack_outputs(stack: str, outputs: Mapping[str, Any]) -> StackOutputs:
    """Return the outputs out of what `pulumi stack output --json` prints.

    Raises:
        ClientError: There are none, or some are missing.
    """
    if not outputs:
        raise ClientError(f"the stack {stack} is not deployed: it has no outputs")
    try:
        return StackOutputs(
            images_endpoint=outputs["imagesEndpoint"],
            images_container=outputs["imagesContainer"],
            records_endpoint=outputs["recordsEndpoint"],
            records_database=outputs["recordsDatabase"],
            records_container=outputs["recordsContainer"],
            api_url=outputs["apiUrl"],
            image_api_url=outputs.get("imageApiUrl") or "",
            gallery_url=outputs.get("galleryUrl") or "",
            tenant_id=outputs.get("tenantId") or "",
            api_client_id=outputs.get("apiClientId") or "",
        )
    except KeyError as error:
        raise ClientError(f"the stack {stack} has no output {error}; deploy it again (make up)") from error


def record_id(container: str, blob_name: str) -> str:
    """Return the id of the record of a blob: SHA-256 in lower-case base32 (docs/record.md)."""
    digest = hashlib.sha256(f"{container}/{blob_name}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()
