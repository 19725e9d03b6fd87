"""Type of the setting with redirect URIs: https://learn.microsoft.com/entra/identity-platform/reply-url."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from infra.config.field_types import AllowedValues, require_distinct

# "The HTTP scheme is supported only for localhost URIs", and 127.0.0.1 is preferred.
_LOCAL_HTTP = {("http", "localhost"), ("http", "127.0.0.1")}
_LONGEST = 256
# Of the 256 that an app registration can have, one is the gallery's.
_MOST = 255
# Fragments, wildcards, blanks, and the special characters that redirect URIs do not support.
_NOT_SUPPORTED = re.compile(r"[#*!$'(),;\s\\]")


def _require_redirect_uri(value: str) -> str:
    uri = urlsplit(value)
    if uri.scheme != "https" and (uri.scheme, uri.hostname) not in _LOCAL_HTTP:
        raise ValueError("neither https nor on this machine")
    if not uri.hostname or uri.username is not None or len(value) > _LONGEST:
        raise ValueError("no host, a user, or too long")
    if _NOT_SUPPORTED.search(value):
        raise ValueError("a character that redirect URIs cannot have")
    return value


RedirectUris = Annotated[
    tuple[Annotated[str, AfterValidator(_require_redirect_uri)], ...],
    Field(strict=False, max_length=_MOST),
    AfterValidator(require_distinct),
    AllowedValues(
        f"up to {_MOST} URIs, each once, with https, or with http for localhost or 127.0.0.1; no fragment, no wildcard,"
        f" and at most {_LONGEST} characters",
        item_type="string",
    ),
]
