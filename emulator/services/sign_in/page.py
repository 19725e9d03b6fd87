"""Pages of the emulated sign-in: the choice of a user, and errors."""

from html import escape

from aiohttp import web

from emulator.core.directory import Application, Directory
from emulator.core.tenant import TENANT_ID
from emulator.core.users import USERS, User

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_STYLE = "body{font:1rem system-ui;max-width:34rem;margin:3rem auto;padding:0 1rem}button{font:inherit;margin:.25rem 0}"


def choice_page(client: Application, directory: Directory, pending_id: str, users: tuple[User, ...] = USERS) -> str:
    """The page on which a user of the emulator is chosen, each with the app roles that are assigned."""
    rows = "".join(
        f'<li><button name="user" value="{escape(user.name)}">{escape(user.display_name)}</button>'
        f" {escape(user.principal_name)}: {escape(_roles(user, client, directory))}</li>"
        for user in users
    )
    return _page(
        "Sign in",
        f"<p>Sign in to <strong>{escape(client.display_name)}</strong>. This is the emulator; nobody needs a password."
        f'</p><form method="post" action="/{TENANT_ID}/login"><input type="hidden" name="request"'
        f' value="{escape(pending_id)}"><ul>{rows}</ul></form>',
    )


def error_page(heading: str, text: str) -> str:
    """The page with an error that is not sent to the application."""
    return _page(heading, f"<p>{escape(text)}</p>")


def html_response(text: str, status: int = 200) -> web.Response:
    """A response with a page."""
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8", headers=_HEADERS)


def _roles(user: User, client: Application, directory: Directory) -> str:
    return ", ".join(directory.app_roles_of(user.object_id, client)) or "no app role"


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
