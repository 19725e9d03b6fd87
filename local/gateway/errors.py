"""Errors as Azure's services write them."""

import uuid
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from aiohttp import web


def error(status: int, code: str, message: str) -> web.Response:
    """An answer that says `{"error": {"code", "message"}}`."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status)


def storage_error(status: int, code: str, message: str) -> web.Response:
    """An answer of Blob or Queue Storage: https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2."""
    request_id = str(uuid.uuid4())
    text = f"{message}\nRequestId:{request_id}\nTime:{datetime.now(UTC).isoformat()}"
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{escape(text)}</Message></Error>'
    return web.Response(
        status=status,
        body=body.encode(),
        content_type="application/xml",
        headers={"x-ms-error-code": code, "x-ms-request-id": request_id},
    )
