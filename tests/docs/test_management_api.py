"""The guide of the management API: each request in it is sent, in order, and does what the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.fakes.asgi import Answer, ask
from tests.fakes.management import managed

from asbru.app.api_kinds import COMPILED_KINDS
from asbru.app.config import ConfigFile
from asbru.app.shown import shown_sections

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "management-api.md"


def requests() -> list[list[str]]:
    """The words of each curl command."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", "").splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("curl ")]


def send(application: object, words: list[str], token: str) -> Answer:
    """What curl would send, to the application."""
    assert words.pop(0) == "curl"
    method, headers, body, path = "", dict[str, str](), None, ""
    while words:
        word = words.pop(0)
        if word == "-X":
            method = words.pop(0)
        elif word == "-H":
            name, _, value = words.pop(0).partition(": ")
            headers[name.lower()] = value.replace("$TOKEN", token)
        elif word == "-d":
            body = words.pop(0).encode()
            headers["content_length"] = str(len(body))
        else:
            path = word.removeprefix("$ASBRU")
    path, _, query = path.partition("?")
    return ask(application, path, body, method=method or ("POST" if body else "GET"), query=query, **headers)


def test_every_request_of_the_guide_works(tmp_path: Path) -> None:
    """In the order of the page, with the token that the first one gives."""
    token = ""
    with managed(tmp_path, *COMPILED_KINDS) as api:
        api.declared.write_bytes(shown_sections(ConfigFile(), None))
        sent = requests()
        assert len(sent) > 10
        for words in sent:
            answer = send(api.application, list(words), token)
            assert answer.status in (200, 201, 204), (words, answer)
            token = token or answer.json()["token"]
