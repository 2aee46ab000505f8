"""Calls to Bedrock inside the data plane: credentials that have expired, models that are asked in one way or the other,
failures that lead on."""

from __future__ import annotations

import base64
import json

import pytest
from tests.fakes.answers import upstream_answer
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Fallback, Snapshot

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "amazon.nova-lite-v1:0"
OK = upstream_answer("bedrock_converse", ["hi"], stream=False)
ASK = {"messages": [{"role": "user", "content": [{"text": "hi"}]}]}
EXPIRED = answer(
    403,
    b'{"message":"The security token included in the request is expired"}',
    b"x-amzn-errortype: ExpiredTokenException:http://x/",
)


class Renewable:
    """A credential that has another token."""

    fixed = b"authorization: Bearer t\r\n"

    def __init__(self) -> None:
        self.times_refused = 0

    def shown(self) -> bytes:
        return self.fixed

    def refused(self) -> bool:
        self.times_refused += 1
        return True


def bedrock(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A Bedrock that is asked in both ways, and another one to fall back on."""
    both = provider(
        "bedrock",
        "bedrock_converse",
        also={"bedrock_invoke": ("chat",)},
        also_for={"bedrock_invoke": ("*anthropic.*",)},
    )
    return Inside(
        Snapshot(
            providers=(both, provider("other")), fallbacks=(Fallback(source="bedrock/*", targets=("other/m",)),)
        ),
        monkeypatch,
    )


@pytest.mark.parametrize("answers", [(EXPIRED, OK), (EXPIRED, EXPIRED)], ids=["renewed", "still"])
def test_an_expired_token_is_renewed_once(monkeypatch: pytest.MonkeyPatch, answers: tuple[bytes, bytes]) -> None:
    """The name in the header says that it has expired: the same key is tried again with another token, once."""
    inside = bedrock(monkeypatch)
    credential = Renewable()
    (key,) = inside.door.rooms.endpoints["bedrock"].route.keys
    monkeypatch.setattr(key, "credential", credential)
    inside.script("bedrock", *answers)
    inside.script("other", upstream_answer("openai_chat", ["hi"], stream=False))
    caller = inside.call(f"/bedrock/model/bedrock%2F{NOVA}/converse", ASK)
    assert caller.status == 200
    assert [host for host, _ in inside.requests][:2] == ["bedrock.test", "bedrock.test"]
    assert credential.times_refused == 1
    assert len(inside.requests) == (2 if answers[1] is OK else 3)


@pytest.mark.parametrize(("model", "path"), [(CLAUDE, "invoke"), (NOVA, "converse")])
def test_claude_is_invoked_for_callers_of_its_own_format(
    monkeypatch: pytest.MonkeyPatch, model: str, path: str
) -> None:
    """Its body goes in Bedrock's envelope, with the betas that Bedrock knows; any other model is asked by Converse."""
    inside = bedrock(monkeypatch)
    inside.script("bedrock", upstream_answer(f"bedrock_{path}", ["hi"], stream=False))
    thinking = {"type": "thinking", "thinking": "hmm", "signature": base64.b64encode(b"s").decode()}
    mark = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    messages = [
        {"role": "user", "content": [mark]},
        {"role": "assistant", "content": [thinking, {"type": "text", "text": "yes"}]},
        {"role": "user", "content": "go on"},
    ]
    betas = b"anthropic-beta: context-1m-2025-08-07, tags-2026-01-01"
    asked = {"model": f"bedrock/{model}", "max_tokens": 9, "messages": messages}
    caller = inside.call("/anthropic/v1/messages", asked, betas)
    assert json.loads(caller.body)["content"][0]["text"] == "hi"
    head, _, body = inside.requests[0][1].partition(b"\r\n\r\n")
    assert head.split(b" ")[1].endswith(f"/model/{model.replace(':', '%3A')}/{path}".encode())
    if path == "invoke":
        assert json.loads(body) == {
            "anthropic_version": "bedrock-2023-05-31",
            "anthropic_beta": ["context-1m-2025-08-07"],
            "max_tokens": 9,
            "messages": messages,
        }
        assert "tags-2026-01-01" in (caller.header(b"x-asbru-notes") or b"").decode()


def test_a_model_that_fails_leads_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """424, by which Bedrock reports that the model broke, is no fault of the caller's."""
    inside = bedrock(monkeypatch)
    inside.script("bedrock", answer(424, b'{"message":"the model failed"}'))
    inside.script("other", upstream_answer("openai_chat", ["hi"], stream=False))
    caller = inside.call(f"/bedrock/model/bedrock%2F{NOVA}/converse", ASK)
    assert json.loads(caller.body)["output"]["message"]["content"] == [{"text": "hi"}]


def test_a_callers_own_signature_stays_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an AWS SDK signed its request with would upset the signature of the gateway's keys, also in passthrough."""
    inside = bedrock(monkeypatch)
    inside.script("bedrock", OK)
    signed = (b"x-amz-date: 20261127T000000Z", b"x-amz-content-sha256: 0", b"x-amzn-bedrock-trace: ENABLED")
    assert inside.call(f"/passthrough/bedrock/model/{NOVA}/converse", ASK, *signed).status == 200
    head = inside.requests[0][1].partition(b"\r\n\r\n")[0].lower()
    assert b"x-amz-" not in head
    assert b"x-amzn-bedrock-trace: enabled" in head
