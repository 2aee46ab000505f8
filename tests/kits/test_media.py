"""Images and audio of every provider that offers some: what it is sent, and what callers and records make of it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.forms import FORM_LINE, Field, form, read_back
from tests.fakes.inside import Inside
from tests.kits.exchanges import KEY, PIECE_BYTES, http
from tests.kits.test_exchanges import GENERIC, used

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.snapshot import ProviderFacts, Snapshot
from asbru.dialects import discover as dialects
from asbru.providers import discover

FOLDER = Path(__file__).with_name("media")
OFFERED = ("images", "image_edits", "image_variations", "speech", "transcriptions", "translations")
CONTENT = b"\x89PNG\r\n--\r\n"


class MediaCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See README.md beside the files."""

    operation: str
    url: str
    reply: str
    type: str = "application/json"
    request: dict[str, Any] = {}
    form: dict[str, str] = {}
    usage: dict[str, int] = {}
    units: dict[str, int] = {}


class Media(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file."""

    sources: tuple[str, ...]
    header: str
    calls: tuple[MediaCall, ...]
    settings: dict[str, Any] = {}


def read(path: Path) -> Media:
    """A file."""
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Media)


FILES = {path.stem: read(path) for path in sorted(FOLDER.glob("*.toml"))}
CASES = [(name, call) for name, media in FILES.items() for call in media.calls]


def offered(name: str) -> set[str]:
    """What a provider offers of these in the dialect that callers speak."""
    accesses = [access for access in discover()[name].access if access.dialect == "openai_chat"]
    return {one for access in accesses for one in access.operations if one in OFFERED}


def test_every_offer_has_an_exchange() -> None:
    """What a provider's record offers is written down, and nothing else."""
    told = {name: {call.operation for call in media.calls} for name, media in FILES.items()}
    assert told == {name: found for name in discover() if name not in GENERIC and (found := offered(name))}


def configured(name: str, media: Media, folder: Path) -> ProviderFacts:
    """The facts that a worker calls the provider by, with one key."""
    settings = {"keys": [{"name": "k", "value": KEY}], **media.settings}
    path = folder / "config.json"
    path.write_text(json.dumps({"providers": {name: settings}}))
    compiled = compile_config(Options(data_dir=folder / "data", config=path), {})
    assert compiled.warnings == []
    return compiled.snapshot.providers[0]


def fields_of(call: MediaCall, model: str) -> list[Field]:
    """The fields of a form, the model between them."""
    given: list[Field] = [(name, ("a", CONTENT) if text == "@" else text) for name, text in call.form.items()]
    return [*given[:1], ("model", model), *given[1:]]


@pytest.mark.parametrize(("name", "call"), CASES, ids=[f"{name}-{call.operation}" for name, call in CASES])
def test_a_call_arrives_and_is_answered(
    name: str, call: MediaCall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the provider's address with its key, by the model's own name, with all else as it came; the reply comes as the
    provider sent it, and what it tells of its usage is recorded."""
    media = FILES[name]
    facts = configured(name, media, tmp_path)
    dialect = dialects()["openai_chat"]
    operation = dialect.operation(call.operation)
    assert operation is not None
    inside = Inside(Snapshot(providers=(facts,)), monkeypatch)
    script = http(200, call.reply.lstrip("\n"), call.type)
    host = facts.base_url.split("/")[2].partition(":")[0]
    inside.scripts[host] = [tuple(script[at : at + PIECE_BYTES] for at in range(0, len(script), PIECE_BYTES))]
    path = dialect.surface.bases[0] + operation.routes[0]
    body = json.dumps({"model": f"{name}/m", **call.request}).encode()
    if call.form:
        caller = inside.call(path, form(*fields_of(call, f"{name}/m")), FORM_LINE.encode())
    else:
        caller = inside.call(path, body, b"content-type: application/json")
    assert (caller.status, caller.body) == (200, call.reply.lstrip("\n").encode())
    assert caller.header(b"content-type") == call.type.encode()

    [(_, request)] = inside.requests
    head, _, sent = request.partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    headers = dict(one.split(": ", 1) for one in lines)
    assert f"{headers['host']}{line.split(' ')[1]}" == call.url.partition("://")[2]
    key_name, _, value = media.header.replace("KEY", KEY).partition(": ")
    assert headers[key_name] == value
    if call.form:
        wanted = [(key, CONTENT if text == "@" else text.encode()) for key, text in call.form.items()]
        assert list(read_back(sent, headers["content-type"])) == [*wanted[:1], ("model", b"m"), *wanted[1:]]
    else:
        assert json.loads(sent) == {"model": "m", **call.request}

    row = inside.recorder.rows[0]
    assert (used(row), row["outcome"]) == (call.usage, "ok")
    assert json.loads(row["units"] or "{}") == call.units
