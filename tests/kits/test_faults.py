"""How providers refuse, as data in faults.toml: who learns what of it, and what becomes of the key."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from tests.fakes.inside import Inside
from tests.kits.exchanges import KEY, OTHER, asked, path_of
from tests.kits.test_exchanges import Case

from asbru.app.snapshot import Snapshot
from asbru.core.secret_text import SecretText
from asbru.providers import discover

FILE = Path(__file__).with_name("faults.toml")
OTHER_KEY = "the-second-key"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """See the file."""

    provider: str
    kind: Literal["throttled", "key", "caller"]
    status: int
    message: str
    body: str
    headers: str = ""
    type: str = "application/json"
    rests: int = 0

    @property
    def script(self) -> bytes:
        """On the wire."""
        data = self.body.encode()
        lines = [f"HTTP/1.1 {self.status} X", f"content-type: {self.type}", f"content-length: {len(data)}"]
        return "\r\n".join([*lines, *filter(None, [self.headers]), "", ""]).encode() + data


class _File(msgspec.Struct, frozen=True):
    faults: tuple[Fault, ...]


FAULTS = msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), _File).faults


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{one.provider}-{one.kind}-{one.status}" for one in FAULTS])
def test_a_refusal_is_told_to_whom_it_concerns(fault: Fault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller reads why its own request is wrong, or that the provider is throttled, in its dialect, by the provider's
    words. A key that is throttled is not asked again while it rests, and the caller is told when to come back. Of a key
    that is refused the next one is used; what a provider says of a wrong key, callers do not read."""
    provider = discover()[fault.provider]
    access = next(one for one in provider.access if "chat" in one.operations)
    case = Case(provider, access, tmp_path, monkeypatch)
    facts = case.facts
    if fault.kind == "key":
        second = msgspec.structs.replace(facts.keys[0], name="k2", value=SecretText(OTHER_KEY))
        facts = msgspec.structs.replace(facts, keys=(facts.keys[0], second))
    for surface in (access.dialect, OTHER[access.dialect]):
        inside = Inside(Snapshot(providers=(facts,)), monkeypatch)
        inside.scripts[facts.base_url.split("/")[2].partition(":")[0]] = [fault.script] * 2
        asking = path_of(surface, asked(surface, f"{facts.name}/{case.exchange.model}"))
        caller = inside.call(*asking)
        told = str(json.loads(caller.body))
        row = inside.recorder.rows[0]
        assert row["outcome"] == "error"
        if fault.kind == "key":
            shown = {one for _, request in inside.requests for one in (KEY, OTHER_KEY) if one.encode() in request}
            assert (caller.status, shown, len(inside.requests)) == (502, {KEY, OTHER_KEY}, 2)
            assert fault.status in (402, 403) or not fault.message or fault.message not in told
            continue
        assert (caller.status, fault.message in row["error_message"]) == (fault.status, True)
        assert json.dumps(fault.message)[1:-1] in json.dumps(json.loads(caller.body))
        again = inside.call(*asking)
        assert (again.status, len(inside.requests)) == (fault.status, 1 if fault.kind == "throttled" else 2)
        if fault.kind == "throttled":
            assert again.header(b"retry-after") == str(fault.rests or 1).encode()
