"""The snapshot: what is written reads back, and secrets show nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.inside import Inside

from asbru.app.boot import Options
from asbru.app.compile import Compiled, compile_config
from asbru.app.config import load_document, parse_config
from asbru.app.snapshot import read_snapshot, write_snapshot
from asbru.providers import discover

SECRETS = ("hunter2-key", "hunter2-header", "hunter2-proxy", "hunter2-virtual-0123")
CONFIG = """
providers:
  openai:
    keys: [{name: a, value: hunter2-key}]
    headers: {x-team-token: hunter2-header}
    proxy: "http://me:hunter2-proxy@proxy.example:3128"
virtual_keys: [{name: v, value: hunter2-virtual-0123}]
"""


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    """A configuration with a secret in every place that may hold one."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return compile_config(Options(data_dir=tmp_path / "data", config=path), {}, types=discover())


def test_a_snapshot_carries_its_secrets(compiled: Compiled) -> None:
    """Written and read it is the same, credentials included."""
    data = write_snapshot(compiled.snapshot)
    assert read_snapshot(data) == compiled.snapshot
    assert all(secret.encode() in data for secret in SECRETS[:3])
    assert read_snapshot(data).providers[0].keys[0].value.reveal() == "hunter2-key"


@pytest.mark.parametrize("value", [1, None, b"x", ["x"]])
def test_a_secret_is_text(compiled: Compiled, value: Any) -> None:
    """Anything else in its place is refused."""
    data = msgspec.msgpack.decode(write_snapshot(compiled.snapshot))
    data["pepper"] = value
    with pytest.raises(msgspec.ValidationError):
        read_snapshot(msgspec.msgpack.encode(data))


def test_nothing_else_encodes_a_secret(compiled: Compiled) -> None:
    """A snapshot, or a part of it, that gets into a log or an answer by mistake is an error, not a leak."""
    for part in (compiled.snapshot, compiled.snapshot.providers[0].keys[0]):
        for encode in (msgspec.json.encode, msgspec.msgpack.encode):
            with pytest.raises(TypeError, match="SecretText"):
                encode(part)


def test_nothing_prints_a_secret(compiled: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither settings, nor what is compiled of them, nor the rooms that are built, down to their last member."""
    document = load_document(tmp_path / "config.yaml")
    inside = Inside(compiled.snapshot, monkeypatch)
    shown = [repr(compiled), repr(compiled.boot), repr(parse_config(document, {})), repr(document)]
    shown += map(repr, parts_of(inside.door.rooms))
    shown += map(repr, parts_of(inside.lasting))
    assert len(shown) > 100
    pepper = (tmp_path / "data" / "pepper").read_bytes()
    for secret in (*SECRETS, pepper.hex(), repr(pepper)[2:-1]):
        assert not [text for text in shown if secret in text], secret


def parts_of(value: object) -> Iterator[object]:
    """An object of ours and all it leads to: what a debugger, a traceback or a careless log line would print."""
    seen: set[int] = set()
    ahead = [value]
    while ahead:
        part = ahead.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if type(part).__module__.startswith("asbru."):
            yield part
            names = [*getattr(part, "__dict__", {}), *getattr(type(part), "__slots__", ())]
            names += getattr(part, "__struct_fields__", ())
            ahead += [getattr(part, name) for name in names if name != "_value" and hasattr(part, name)]
        elif isinstance(part, dict):
            ahead += [*part, *part.values()]
        elif isinstance(part, list | tuple | set | frozenset):
            ahead += part
