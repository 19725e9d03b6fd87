"""The page that the app serves to browsers: its files, how they are cached, and what they may load."""

import gzip
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from image_api.domain.problems import ProblemError, ProblemType
from image_api.http.dispatcher import problem_response
from image_api.http.errors import problem_of
from image_api.http.headers import SECURITY_HEADERS
from image_api.http.messages import Request, Response

START_FILE = "index.html"
# By suffix. Files with any other suffix are not served.
_CONTENT_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".LICENSE": "text/plain",
    ".svg": "image/svg+xml",
}
# Every load asks whether a file has changed, so that a browser never mixes the files of two deployments. The names of
# the files stay the same.
_CACHE_CONTROL = "no-cache"
# What the page has no use for: https://www.w3.org/TR/permissions-policy
_PERMISSIONS_POLICY = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"


@dataclass(frozen=True, kw_only=True)
class PageFile:
    """A file of the page.

    Attributes:
        content: the bytes.
        compressed: the same, compressed by gzip; None if that saves nothing.
        content_type: media type.
        digest: start of the SHA-256 of the content, in hexadecimal.
    """

    content: bytes
    compressed: bytes | None
    content_type: str
    digest: str


def load_page_files(folder: Path) -> dict[str, PageFile]:
    """Return the files of a folder by their paths in it, with slashes. Raises OSError if they cannot be read."""
    files: dict[str, PageFile] = {}
    for path in sorted(folder.rglob("*")):
        content_type = _CONTENT_TYPES.get(path.suffix)
        if content_type is None:
            continue
        content = path.read_bytes()
        compressed = gzip.compress(content, mtime=0)
        files[path.relative_to(folder).as_posix()] = PageFile(
            content=content,
            compressed=compressed if len(compressed) < len(content) else None,
            content_type=content_type,
            digest=hashlib.sha256(content).hexdigest()[:32],
        )
    return files


class Page:
    """The files of the page, and the headers that they are sent with."""

    def __init__(self, files: Mapping[str, PageFile], *, blob_origin: str, sign_in_origin: str) -> None:
        """Create a page.

        Args:
            files: The files by path.
            blob_origin: Origin that images are sent to and loaded from.
            sign_in_origin: Origin of the authority that signs users in.
        """
        self._files = files
        self._headers = {
            **SECURITY_HEADERS,
            "Cache-Control": _CACHE_CONTROL,
            "Content-Security-Policy": content_security_policy(blob_origin, sign_in_origin),
            # No other page gets hold of this one's window, from which it could follow a sign-in.
            "Cross-Origin-Opener-Policy": "same-origin",
            "Permissions-Policy": _PERMISSIONS_POLICY,
            "Vary": "Accept-Encoding",
        }

    def respond(self, path: str, request: Request) -> Response:
        """Return the response that has a file: 200, or 304 if the browser has this version of it.

        Args:
            path: Path of the file in the page's folder.
            request: The request for it.

        Raises:
            ProblemError: There is no such file.
        """
        file = self._files.get(path)
        if file is None:
            raise ProblemError(ProblemType.NOT_FOUND, "The page has no such file.")
        body = file.content
        # Two encodings are two representations, each with a tag of its own:
        # https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3.3
        etag = f'"{file.digest}"'
        headers = dict(self._headers)
        if file.compressed is not None and _accepts_gzip(request.headers.get("accept-encoding", "")):
            body = file.compressed
            etag = f'"{file.digest}-gzip"'
            headers["Content-Encoding"] = "gzip"
        headers["ETag"] = etag
        if _has_tag(request.headers.get("if-none-match", ""), etag):
            headers.pop("Content-Encoding", None)
            return Response(status=304, content_type=file.content_type, headers=headers)
        return Response(status=200, body=body, content_type=file.content_type, headers=headers)


def content_security_policy(blob_origin: str, sign_in_origin: str) -> str:
    """Return what the page may load and call: its own files, and images and sign-in at these origins.

    With Trusted Types, and without any policy that creates them, no text can become code:
    https://www.w3.org/TR/trusted-types
    """
    directives = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        # `blob:` are previews of files that are being uploaded.
        f"img-src 'self' blob: {blob_origin}",
        f"connect-src 'self' {blob_origin} {sign_in_origin}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(directives)


class PageServer:
    """Answers the requests for files of the page; a problem in place of every error.

    Args:
        load_page: returns the page, and creates it at the first call. Raises SettingsError.
    """

    def __init__(self, load_page: Callable[[], Page]) -> None:
        self._load_page = load_page

    def respond(self, path: str, request: Request) -> Response:
        """Return the response that has a file."""
        try:
            return self._load_page().respond(path, request)
        except Exception as error:  # noqa: BLE001 (every error is answered with a problem, and logged)
            response = problem_response(problem_of(error, request.id), request.id)
            return Response(
                status=response.status,
                body=response.body,
                content_type=response.content_type,
                headers={**SECURITY_HEADERS, **response.headers},
            )


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether a browser accepts gzip: https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3."""
    for item in accept_encoding.split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").lower() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def _has_tag(if_none_match: str, etag: str) -> bool:
    """Whether the tag is among those of the header, compared weakly.

    https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
    """
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag in tags or "*" in tags
