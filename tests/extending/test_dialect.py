"""A dialect is one folder: routes, paths, headers, errors, list, translation. Nothing else is touched to add one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.core.folders import FolderFault
from asbru.dialects import discover

SOURCE = Path(__file__).with_name("plain_talk.py")
OPENAI_REPLY = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A place with the made-up dialect's folder in it."""
    folder = tmp_path / "places" / "plain_talk"
    folder.mkdir(parents=True)
    shutil.copy(SOURCE, folder / "__init__.py")
    return folder.parent


@pytest.fixture
def inside(places: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway that found it, with a provider of each of two dialects."""
    snapshot = Snapshot(
        providers=(provider("openai"), provider("talker", "plain_talk", operations=("chat", "models"))),
    )
    return Inside(snapshot, monkeypatch, dialects=discover([str(places)]))


def sent(inside: Inside) -> tuple[bytes, bytes]:
    """The first line and the body of what a provider was sent last."""
    head, _, body = inside.requests[-1][1].partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], body


def test_it_is_passed_through(inside: Inside) -> None:
    """Caller and provider of the dialect: the bytes as they are, the model in the path, usage read."""
    inside.script("talker", answer(200, b'{"said":"Hi",  "tokens":[3,1]}'))
    caller = inside.call("/talk/v1/models/talker/bold%20model:say", b'{"say":  "Hello"}', b"talk-mood: good")
    assert (caller.status, caller.body) == (200, b'{"said":"Hi",  "tokens":[3,1]}')
    assert sent(inside) == (b"POST /v1/models/bold%20model:say HTTP/1.1", b'{"say":  "Hello"}')
    assert b"talk-mood: good\r\n" in inside.requests[-1][1]
    row = inside.recorder.rows[-1]
    assert (row["surface"], row["input_tokens"], row["output_tokens"], row["pass_through"]) == (
        "talk.say",
        3,
        1,
        True,
    )


@pytest.mark.parametrize("stream", [False, True])
def test_it_is_translated_to_another_dialect(inside: Inside, stream: bool) -> None:
    """A caller of the new dialect reaches a provider of an old one, whole and streamed."""
    chunks = [
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "Hello"}}]},
        {"id": "c", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "c", "model": "m", "choices": [], "usage": OPENAI_REPLY["usage"]},
    ]
    streamed = b"".join(b"data: %b\n\n" % json.dumps(one).encode() for one in chunks) + b"data: [DONE]\n\n"
    whole = json.dumps(OPENAI_REPLY).encode()
    inside.script(
        "openai", answer(200, streamed, content_type=b"text/event-stream") if stream else answer(200, whole)
    )
    caller = inside.call(f"/talk/v1/models/openai/m:{'stream' if stream else 'say'}", {"say": "Hello"})
    expected = b'data: {"more":"Hello"}\n\ndata: {"end":[3,2]}\n\n' if stream else b'{"said":"Hello","tokens":[3,2]}'
    assert (caller.status, caller.body) == (200, expected)
    assert json.loads(sent(inside)[1])["messages"] == [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize("stream", [False, True])
def test_others_are_translated_to_it(inside: Inside, stream: bool) -> None:
    """A caller of an old dialect reaches a provider of the new one, and hears what was left out."""
    whole = answer(200, b'{"said":"Hi","tokens":[4,1]}')
    events = b'data: {"more":"Hi"}\n\ndata: {"end":[4,1]}\n\n'
    inside.script("talker", answer(200, events, content_type=b"text/event-stream") if stream else whole)
    caller = inside.chat("talker/m", stream=stream, temperature=0.5)
    assert caller.status == 200 and b'"Hi"' in caller.body
    assert sent(inside) == (b"POST /v1/models/m:%b HTTP/1.1" % (b"stream" if stream else b"say"), b'{"say":"hi"}')
    assert caller.header(b"x-asbru-notes") == b"dropped temperature"
    assert inside.recorder.rows[-1]["input_tokens"] == 4


def test_errors_and_lists_are_in_its_form(inside: Inside) -> None:
    """On its routes, on unknown paths below its root, and for the list of models."""
    refused = inside.call("/talk/v1/models/talker/m:say", {"say": 1})
    assert (refused.status, json.loads(refused.body)["code"]) == (400, "invalid_request")
    assert json.loads(inside.call("/talk/nothing", {}).body)["code"] == "not_found"
    for name in ("openai", "talker"):  # neither has a list of its own
        inside.script(name, answer(404, b"{}"))
    names = inside.call("/talk/v1/models", method="GET")
    assert json.loads(names.body) == {"names": ["openai/m", "talker/m"]}
    assert json.loads(inside.call("/talk/v1/models/talker/m", method="GET").body) == "talker/m"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("DIALECT = Dialect(", "OTHER = Dialect(", "DIALECT"),
        ('NAME = "plain_talk"', 'NAME = "another"', "another"),
        ("        codec=Codec(", "        charge=dict(", "its chat has no codec"),
    ],
)
def test_a_folder_that_does_not_hold_one_is_refused(places: Path, old: str, new: str, word: str) -> None:
    """A missing or wrong record fails at start, with the folder's name."""
    file = places / "plain_talk" / "__init__.py"
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(FolderFault, match=word) as raised:
        discover([str(places)])
    assert "plain_talk" in str(raised.value)


DERIVED = """
import msgspec
from asbru.dialects.contract import Derived

DIALECT = Derived(of={of!r}, make=lambda base: msgspec.structs.replace(base, name={name!r}, kin=base.name))
"""


@pytest.mark.parametrize(
    ("of", "name", "words"),
    [
        ("plain_talk", "curtain", ""),
        ("none", "curtain", "no dialect 'none'"),
        ("plain_talk", "x", "the record says 'x'"),
    ],
)
def test_a_dialect_may_be_another_one_in_an_envelope(places: Path, of: str, name: str, words: str) -> None:
    """It is made of the other's record, whichever folder comes first, and is of its family; faults name the folder."""
    folder = places / "curtain"
    folder.mkdir()
    (folder / "__init__.py").write_text(DERIVED.format(of=of, name=name))
    if not words:
        assert discover([str(places)])["curtain"].family == "plain_talk"
        return
    with pytest.raises(FolderFault, match=words) as raised:
        discover([str(places)])
    assert "curtain" in str(raised.value)
