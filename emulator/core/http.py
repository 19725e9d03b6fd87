"""Errors as Azure's services write them in JSON."""

from aiohttp import web


def error(status: int, code: str, message: str) -> web.Response:
    """An answer that says `{"error": {"code", "message"}}`."""
    return web.json_response({"error": {"code": code, "message": message}}, status=status)
