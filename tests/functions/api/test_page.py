"""The page: which files are served, how browsers cache them, and what the page may load."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from common.settings import SettingsError
from image_api.http.page import load_page_files

from tests.support.in_memory_api import PAGE_FOLDER, Answer, InMemoryApi

type Send = Callable[..., Answer]
SCRIPT = "/page/modules/main.js"


def get(send: Send, path: str, method: str = "GET", **headers: str) -> Answer:
    return send(method, path, token=None, headers={name.replace("_", "-"): text for name, text in headers.items()})


def test_the_root_is_the_page_for_everybody(send: Send) -> None:
    answer = get(send, "/")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.body == (PAGE_FOLDER / "index.html").read_bytes()
    assert get(send, "/", "HEAD").status == 200
    assert get(send, "/", "POST").status == 404


def test_every_file_that_the_page_names_is_served(send: Send) -> None:
    page = (PAGE_FOLDER / "index.html").read_text()
    names = re.findall(r'(?:src|href)="(/page/[^"]+)"', page)
    assert len(names) == 9
    imports = {
        f"/page/modules/{name}"
        for module in PAGE_FOLDER.glob("modules/*.js")
        for name in re.findall(r'^import .* from "\./([^"]+)";', module.read_text(), re.MULTILINE)
    }
    assert len(imports) >= 10
    for name in [*names, *sorted(imports)]:
        answer = get(send, name)
        assert answer.status == 200, name
        assert answer.body == (PAGE_FOLDER / name.removeprefix("/page/")).read_bytes()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/page/index.html", "text/html"),
        ("/page/icon.svg", "image/svg+xml"),
        ("/page/styles/base.css", "text/css"),
        (SCRIPT, "text/javascript"),
        ("/page/vendor/oidc-client-ts.LICENSE", "text/plain"),
    ],
)
def test_a_file_has_its_media_type(send: Send, path: str, content_type: str) -> None:
    answer = get(send, path)
    assert (answer.status, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/page/",
        "/page/modules",
        "/page/none.js",
        "/page/../function_app.py",
        "/page/..%2f..%2fhost.json",
        "/page/%2e%2e/host.json",
        "/page/modules/../index.html",
        "/page//etc/passwd",
        "/page/modules/types.d.ts",
        "/page/MODULES/main.js",
        "/page/index.html%00.js",
    ],
)
def test_nothing_else_is_served(send: Send, path: str) -> None:
    answer = get(send, path)
    assert (answer.status, answer.json["code"]) == (404, "notFound")
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_a_browser_that_has_the_file_gets_no_body(send: Send) -> None:
    first = get(send, SCRIPT)
    etag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag)
    assert first.headers["Cache-Control"] == "no-cache"
    for tags in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = get(send, SCRIPT, If_None_Match=tags)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
    assert get(send, SCRIPT, If_None_Match='"other"').status == 200
    assert get(send, "/page/modules/api.js").headers["ETag"] != etag


@pytest.mark.parametrize(
    ("accept_encoding", "compressed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("deflate, br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("identity", False),
        ("", False),
    ],
)
def test_a_file_is_compressed_for_those_who_accept_it(send: Send, accept_encoding: str, *, compressed: bool) -> None:
    plain = get(send, SCRIPT)
    answer = get(send, SCRIPT, Accept_Encoding=accept_encoding)
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert (answer.headers.get("Content-Encoding") == "gzip") is compressed
    if compressed:
        assert len(answer.body) < len(plain.body)
        assert gzip.decompress(answer.body) == plain.body
    else:
        assert answer.body == plain.body
    # A cache must not take one encoding for the other.
    assert (answer.headers["ETag"] == plain.headers["ETag"]) is not compressed
    again = get(send, SCRIPT, Accept_Encoding=accept_encoding, If_None_Match=answer.headers["ETag"])
    assert (again.status, again.headers.get("Content-Encoding")) == (304, None)


def test_the_page_loads_and_calls_nothing_but_its_own_storage_and_sign_in(send: Send) -> None:
    for path in ("/", SCRIPT):
        answer = get(send, path)
        policy = dict(
            directive.split(" ", 1) for directive in answer.headers["Content-Security-Policy"].split("; ") if directive
        )
        assert policy == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self' blob: https://acct.blob.core.windows.net",
            "connect-src": "'self' https://acct.blob.core.windows.net https://login.microsoftonline.com",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'",
            "trusted-types": "'none'",
        }
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "camera=()" in answer.headers["Permissions-Policy"]


def test_the_page_needs_no_script_or_style_that_the_policy_refuses() -> None:
    """Nothing inline, and none of the functions that make code of text."""
    page = (PAGE_FOLDER / "index.html").read_text()
    assert re.findall(r"<style|style=|\son\w+=|<script(?![^>]*\ssrc=)", page) == []
    for module in PAGE_FOLDER.glob("modules/*.js"):
        pattern = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|\"style\""
        assert re.findall(pattern, module.read_text()) == [], module


def test_a_first_visit_transfers_little() -> None:
    """At most 30 kB for the page's own scripts, and 70 kB for everything."""
    files = load_page_files(PAGE_FOLDER)
    sizes = {name: len(file.compressed or file.content) for name, file in files.items()}
    assert sum(size for name, size in sizes.items() if name.startswith("modules/")) <= 30_000
    assert sum(size for name, size in sizes.items() if not name.endswith(".LICENSE")) <= 70_000


def test_an_app_without_settings_answers_with_a_problem(api: InMemoryApi, send: Send) -> None:
    api.failures["load_page"] = SettingsError("IMAGE_API_BLOB_ENDPOINT is not set")
    answer = get(send, "/")
    assert (answer.status, answer.json["code"]) == (503, "misconfigured")
    assert "IMAGE_API" not in answer.body.decode()


def test_files_that_gain_nothing_are_not_compressed(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a{}")
    (tmp_path / "notes.txt").write_text("not served")
    files = load_page_files(tmp_path)
    assert files.keys() == {"a.css"}
    assert (files["a.css"].content, files["a.css"].compressed) == (b"a{}", None)
