"""A gateway with one provider as its folder describes it, and what that provider was sent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.inside import Caller, Inside

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.snapshot import Snapshot


def configured(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Inside:
    """The gateway; failures are not retried. Scripts are for the provider's own host, without `.test`."""
    about = {"keys": [{"name": "k", "value": "secret"}], "retries": {"max": 0}, **settings}
    path = folder / "config.json"
    path.write_text(json.dumps({"providers": {name: about}}))
    compiled = compile_config(Options(data_dir=folder / "data", config=path), {})
    inside = Inside(Snapshot(providers=compiled.snapshot.providers), monkeypatch)
    monkeypatch.setattr(inside, "script", lambda host, *scripts: inside.scripts.setdefault(host, []).extend(scripts))
    return inside


def sent(inside: Inside) -> tuple[str, dict[str, str], bytes]:
    """The first line, the headers and the body of what the provider was sent last."""
    head, _, body = inside.requests[-1][1].partition(b"\r\n\r\n")
    line, *lines = head.decode().split("\r\n")
    return line, dict(one.split(": ", 1) for one in lines), body


def noted(caller: Caller) -> list[str]:
    """What notes speak of, without their reasons."""
    told = (caller.header(b"x-asbru-notes") or b"").decode()
    return re.findall(r"(?:^|[,;] )((?:dropped|changed|added) [a-z_.]+)", told)
