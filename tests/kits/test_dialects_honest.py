"""The suite over dialects is itself seen to work: a made-up dialect passes when it is right, and fails when broken."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kits import made_up as right
from tests.kits import matrix
from tests.kits.dialects import KINDS, Subject, discover
from tests.kits.fill_cases import fill
from tests.kits.own_checks import CHECKS, ERRORS, errors_go_both_ways, own_error_is_passed_on, twins
from tests.kits.own_checks import stream_says_what_the_whole_answer_says as same_as_whole

from asbru.dialects import discover as discover_dialects

FOLDER = Path(right.__file__).parent
THOUGHT = {"thought": "The load first.", "seal": "c2VhbA=="}
WIRES: dict[str, Any] = {
    "request_talk": {
        "model": "bridge-1",
        "turns": [
            {"by": "system", "said": [{"text": "Be brief."}]},
            {"by": "user", "said": [{"text": "Does it stand?"}], "mood": "worried"},
            {"by": "assistant", "said": [THOUGHT, {"text": "Yes."}]},
            {"by": "user", "said": [{"text": "Sure?"}]},
        ],
        "limit": 50,
        "stream": True,
        "colour": "red",
    },
    "reply_whole": {
        "id": "r1",
        "model": "bridge-1",
        "said": [THOUGHT, {"text": "It stands."}],
        "why": "end",
        "tokens": {"in": 5, "out": 7},
        "weather": "fair",
    },
    "stream_whole": [
        {"open": {"id": "r1", "model": "bridge-1", "weather": "fair"}},
        {"say": {"thought": "The load "}},
        {"say": {"thought": "first."}},
        {"say": {"seal": "c2VhbA=="}},
        {"say": {"text": "It "}},
        {"say": {"text": "stands."}},
        {"why": "end", "tokens": {"in": 5, "out": 7}},
    ],
    "stream_fault": [{"open": {"id": "r2", "model": "m"}}, {"fault": {"type": "busy", "message": "Later."}}],
    "error_busy": {"status": 503, "body": '{"fault": {"type": "busy", "message": "Later."}}'},
}

Broken = tuple[str, str, str]
"""(what stood in the folder's file, what stands there now, a check that must see it)."""
BROKEN: dict[str, Broken] = {
    "a signature is lost in requests": (
        "signature=seal, dialect=by or NAME, extra=said.rest())",
        "dialect=by or NAME, extra=said.rest())",
        "is_read_as_written_down",
    ),
    "a signature is not written": (
        '{"seal": part.signature}',
        "{}",
        "request_is_written_back",
    ),
    "a signature is not streamed": (
        '{"seal": event.signature}',
        "{}",
        "stream_is_written_back",
    ),
    "a note is forgotten": (
        "            receipt.dropped(name)\n    body |=",
        "            pass\n    body |=",
        "request_reaches",
    ),
    "a part vanishes": (
        "    receipt.dropped(path)\n    return None",
        "    return None",
        "request_reaches",
    ),
    "a note of a stream is forgotten": (
        'self._receipt.dropped(f"choices[0].parts[{index}]")',
        "pass",
        "stream_reaches",
    ),
    "a second answer vanishes": (
        'receipt.dropped(f"choices[{n}]")',
        "pass",
        "reply_reaches",
    ),
    "half an event is read": (
        "for event in self._sse.feed(chunk):",
        "for event in SseReader().feed(chunk):",
        "stream_is_the_same_cut_anywhere",
    ),
    "a stream that broke off ends well": (
        "            return []\n        return [event for event",
        "            return [] if self.done else [ReplyEnd()]\n        return [event for event",
        "stream_cut_short_never_ends_well",
    ),
    "the tail forgets the usage": (
        "usage = usage_of(encode(event)) or usage",
        "pass",
        "stream_tells_its_usage_and_end",
    ),
    "usage is counted twice": (
        '"in": usage.input_total',
        '"in": usage.input_total + usage.cache_read',
        "reply_reaches",
    ),
    "an error is not told in a stream": (
        "    return write_event(encode(_words(error)))",
        '    return b""',
        "errors_go_both_ways",
    ),
    "an error loses its words": (
        'write_event(encode({"fault": {"type": event.type, "message": event.message}}))',
        'write_event(encode({"fault": {"type": event.type, "message": "error"}}))',
        "stream_is_written_back",
    ),
    "a provider's error is made anew": (
        "        return error.body\n",
        "        pass\n",
        "own_error_is_passed_on",
    ),
    "a stripped member is sent": (
        "if name not in strip}",
        "}",
        "rewrite_changes_what_it_must",
    ),
    "a refused member is sent": (
        "        del body[name]\n",
        "",
        "request_leaves_out_what_is_refused",
    ),
    "unknown members do not ride along": (
        'body |= receipt.riding("", request.extra)',
        "pass",
        "request_is_written_back",
    ),
}


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Golden cases of the made-up dialect, as they are read when it is right."""
    folder = tmp_path / "cases"
    folder.mkdir()
    subject = Subject(right.DIALECT, folder, "")
    for name, wire in WIRES.items():
        data = {"about": name, "kind": name.partition("_")[0], "wire": wire}
        data |= {"same_as": "reply_whole"} if name == "stream_whole" else {}
        (folder / f"{name}.json").write_text(json.dumps(data))
    for kind in KINDS:
        for case in subject.cases(kind):
            (folder / f"{case.name}.json").write_text(json.dumps(fill(subject, case)))
    return folder


def load(tmp_path: Path, cases: Path, old: str = "", new: str = "") -> Subject:
    """The made-up dialect found in a folder of its own, with one place in it changed."""
    folder = tmp_path / "dialects" / right.NAME
    folder.mkdir(parents=True)
    text = (FOLDER / "__init__.py").read_text("utf-8")
    assert text.count(old) == 1 or not old, "the place that is broken is not there any more, or not the only one"
    (folder / "__init__.py").write_text(text.replace(old, new) if old else text, "utf-8")
    return Subject(discover_dialects([str(folder.parent)])[right.NAME], cases, "")


def found_wrong(subject: Subject) -> Iterator[str]:
    """The names of the checks that fail, alone and with every dialect there is."""
    runs = [(check, (subject, case)) for kind in KINDS for case in subject.cases(kind) for check in CHECKS[kind]]
    runs += [(same_as_whole, (subject, case)) for case in twins(subject)]
    runs += [(errors_go_both_ways, (subject, error)) for error in ERRORS]
    runs += [(own_error_is_passed_on, (subject,))]
    for other in discover().values():
        for kind, check in matrix.CHECKS.items():
            runs += [(check, (subject, case, other)) for case in subject.cases(kind)]
            runs += [(check, (other, case, subject)) for case in other.cases(kind)]
    for check, arguments in runs:
        try:
            check(*arguments)
        except Exception:  # noqa: BLE001 -- any exception is a finding: the suite's tests would fail with it
            yield check.__name__


def test_a_made_up_dialect_passes(tmp_path: Path, cases: Path) -> None:
    """A folder that is right passes every check, with the golden cases of all the others, and nothing was touched."""
    assert [*found_wrong(load(tmp_path, cases))] == []
    assert right.NAME not in discover()


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_dialect_is_seen(tmp_path: Path, cases: Path, what: str) -> None:
    """A folder with one thing wrong fails, in the check that is there for it."""
    old, new, check = BROKEN[what]
    assert check in found_wrong(load(tmp_path, cases, old, new))
