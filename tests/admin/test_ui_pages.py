"""The web UI's files: what is kept, what is packed, what the policy allows, and that nothing else is served."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.fakes.asgi import Answer, ask

from asbru.admin import build_application
from asbru.admin.ui_pages import NONCE_MARK, UiPages


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder as a build leaves it, and a secret beside it."""
    folder = tmp_path / "ui_files"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(b"<meta name=csp-nonce content=" + NONCE_MARK + b">")
    (folder / "theme.js").write_text("theme()")
    (folder / "assets" / "index-AbC_1.js").write_text("main()")
    (folder / "assets" / "index-AbC_1.js.gz").write_bytes(gzip.compress(b"main()"))
    (tmp_path / "secret.js").write_text("hunter2")
    return folder


def served(folder: Path) -> FastAPI:
    """The application, with the files and no router."""
    return build_application([], "1", pages=UiPages(folder).routes())


def get(folder: Path, path: str, **headers: str) -> Answer:
    """One answer."""
    return ask(served(folder), path, **headers)


def test_a_hashed_file_is_kept_for_ever_and_packed(files: Path) -> None:
    """Browsers never ask for it again; what they accept packed is sent packed."""
    plain = get(files, "/ui/assets/index-AbC_1.js")
    assert (plain.status, plain.body) == (200, b"main()")
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plain.headers["content-type"] == "text/javascript; charset=utf-8"
    packed = get(files, "/ui/assets/index-AbC_1.js", accept_encoding="gzip, deflate, br")
    assert (packed.headers["content-encoding"], gzip.decompress(packed.body)) == ("gzip", b"main()")
    assert packed.headers["vary"] == plain.headers["vary"] == "accept-encoding"
    assert packed.headers["etag"] != plain.headers["etag"]


def test_a_file_without_a_hash_is_asked_for_anew(files: Path) -> None:
    """304 as long as it is the same."""
    first = get(files, "/ui/theme.js")
    assert (first.status, first.headers["cache-control"]) == (200, "no-cache")
    again = get(files, "/ui/theme.js", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("path", ["/ui/", "/ui/keys", "/ui/keys/a/b", "/ui/records?x=1", "/ui/..%2fsecret.js"])
def test_every_page_is_the_index_with_a_nonce_of_its_own(files: Path, path: str) -> None:
    """The nonce in the page is that of the policy, and never the same; nothing is allowed from elsewhere."""
    nonces: set[str] = set()
    for _ in range(2):
        answer = get(files, path.partition("?")[0])
        assert answer.status == 200
        policy = answer.headers["content-security-policy"]
        found = re.search(r"style-src 'self' 'nonce-([\w-]{20,})'", policy)
        assert found is not None and found[1].encode() in answer.body
        assert NONCE_MARK not in answer.body
        nonces.add(found[1])
        assert "default-src 'none'; script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(nonces) == 2


@pytest.mark.parametrize(
    "path",
    ["/ui/assets/none.js", "/ui/assets/", "/ui/assets/../../secret.js", "/ui/../secret.js", "/ui/gone.js"],
)
def test_what_is_not_there_is_missing(files: Path, path: str) -> None:
    """404, also for what lies beside the folder; no page hides that a file is missing."""
    answer = get(files, path)
    assert answer.status == 404 or b"csp-nonce" in answer.body
    assert b"hunter2" not in answer.body


def test_a_checkout_that_is_not_built_says_how(tmp_path: Path) -> None:
    """503 and the command; built while this serves, it is there."""
    application = served(tmp_path)
    missing = ask(application, "/ui/")
    assert missing.status == 503 and b"make ui" in missing.body
    (tmp_path / "index.html").write_text("built")
    assert ask(application, "/ui/").body == b"built"


def test_without_a_slash_it_leads_to_the_folder(files: Path) -> None:
    """`/ui` is what people type."""
    answer = get(files, "/ui")
    assert (answer.status, answer.headers["location"]) == (307, "/ui/")


def test_pages_are_not_part_of_the_description(files: Path) -> None:
    """OpenAPI describes the API only."""
    assert not [path for path in served(files).openapi()["paths"] if path.startswith("/ui")]
