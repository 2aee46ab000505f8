"""The web UI's files under /ui: what `make ui` built, served as it lies on the disk. It knows no page.

    /ui/assets/NAME-HASH.js     kept by browsers for ever; the name changes with the content
    /ui/NAME                    asked for anew each time (ETag)
    /ui/anything/else           index.html, which finds the page by the URL

No credential is asked for: the files hold nothing of this gateway. All that the UI shows comes from the management API.
The policy allows this origin only. `style-src` has a nonce per response, for the component library creates style
elements while it runs; scripts have none.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

PREFIX = "/ui"
NONCE_MARK = b"__CSP_NONCE__"
"""What stands in index.html where the nonce goes."""

_FILES = Path(__file__).resolve().parent.parent / "ui_files"
_NAME = re.compile(r"(assets/)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.(js|css|svg|png|woff2)")
_TYPES = {
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "png": "image/png",
    "woff2": "font/woff2",
}
_PACKED = (("br", ".br"), ("gzip", ".gz"))
"""Content codings that files are also stored in, the smallest first."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; connect-src 'self'; "
    "img-src 'self' data:; media-src data:; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "form-action 'self'"
)
_ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}
_NOT_BUILT = """<!doctype html><html lang=en><meta charset=utf-8><title>Asbru</title>
<h1>The web UI is not built</h1>
<p>This is a checkout in which the web UI has not been built yet. Run <code>make ui</code>, then reload this page.
<p>The management API works without it: see <a href=/api/docs>/api/docs</a>.</html>
"""


class UiPages:
    """See the module. `files`: the folder with index.html; it may come and go while this serves."""

    def __init__(self, files: Path = _FILES) -> None:
        self._files = files

    def routes(self) -> list[Route]:
        """For an application: without access checks, and not described."""
        return [
            Route(PREFIX, _to_the_folder, methods=["GET"]),
            Route(PREFIX + "/{path:path}", self.show, methods=["GET"]),
        ]

    def show(self, request: Request) -> Response:
        """A file, or index.html for what is no file's name. Run in a thread, for it reads from the disk."""
        path: str = request.path_params["path"]
        if _NAME.fullmatch(path):
            return self._file(request, path)
        return self._index() if not path.startswith("assets/") else _missing()

    def _file(self, request: Request, path: str) -> Response:
        kept = path.startswith("assets/")
        headers = {**_ALWAYS, "vary": "accept-encoding"}
        headers["cache-control"] = "public, max-age=31536000, immutable" if kept else "no-cache"
        content = None
        for coding, suffix in _PACKED:
            if coding in request.headers.get("accept-encoding", ""):
                content = _read(self._files / (path + suffix))
                if content is not None:
                    headers["content-encoding"] = coding
                    break
        if content is None:
            content = _read(self._files / path)
        if content is None:
            return _missing()
        headers["etag"] = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=_TYPES[path.rpartition(".")[2]])

    def _index(self) -> Response:
        nonce = secrets.token_urlsafe(16)
        headers = {**_ALWAYS, "cache-control": "no-store", "content-security-policy": _POLICY.format(nonce=nonce)}
        content = _read(self._files / "index.html")
        if content is None:
            return HTMLResponse(_NOT_BUILT, 503, headers)
        return HTMLResponse(content.replace(NONCE_MARK, nonce.encode()), headers=headers)


def _to_the_folder(_: Request) -> Response:
    return RedirectResponse(PREFIX + "/", 307, _ALWAYS)


def _missing() -> Response:
    return Response("not found\n", 404, _ALWAYS, media_type="text/plain")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
