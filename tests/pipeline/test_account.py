"""What is charged, to whom, and what is noted: a record's figures against what each provider was asked and said."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Fallback, KeyFacts, Snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.core.money import PriceRow
from asbru.core.secret_text import SecretText
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.pipeline.account import write_attempt_log
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import NO_KEY
from asbru.pipeline.ports import Prices
from asbru.pipeline.spend import estimate, total
from asbru.pipeline.spend import price as price_attempts
from asbru.records.row import ATTEMPTS_LOGGED_MAX
from asbru.records.sums import sums_of
from asbru.routing import ProviderRoute, RetryPolicy, Target

Make = Callable[..., Inside]


def reply(prompt: int, completion: int, *, choices: bool = True) -> bytes:
    """A chat completion that used so many tokens; without choices it makes no sense."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "up", "usage": usage}
    return answer(200, json.dumps({**body, "choices": [choice]} if choices else body).encode())


def message(prompt: int, completion: int) -> bytes:
    """A message that used so many tokens."""
    body = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "up",
        "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": prompt, "output_tokens": completion},
    }
    return answer(200, json.dumps(body).encode())


def failed(status: int) -> bytes:
    """An error in place of a reply."""
    return answer(status, b'{"error":{"message":"no","type":"t","code":"c"}}')


def priced(model: str, dollars: int) -> PricedModel:
    """A model that costs so many dollars per million tokens, in or out."""
    nano = dollars * 1_000_000_000
    row = PriceRow(nano, nano, nano, nano, nano, nano, nano)
    return PricedModel(id=model, match=MatchClause("equals", model), rows=(row,))


def strips(*fields: str) -> Traits:
    """A provider that refuses these fields."""
    return Traits(strip=frozenset(fields))


PRICES = (priced("m", 1), priced("served", 10))
UPSTREAM_CHUNKS = (
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
    b'data: {"id":"c","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":4,"completion_tokens":1,"total_tokens":5}}\n\n'
)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A gateway with providers a and b, a falling back to b; b's prices are double."""

    def make(**changed: Any) -> Inside:
        facts = {"prices": PRICES, "retries": RetryPolicy(max=2, pause_initial_s=0.0, pause_max_s=0.0), **changed}
        b = {name.removeprefix("other_"): facts.pop(name) for name in list(facts) if name.startswith("other_")}
        b["prices"] = (priced("m", 2),)
        return Inside(
            Snapshot(
                providers=(provider("a", **facts), provider("b", **b)),
                fallbacks=(Fallback(source="a/m", targets=("b/m",)),),
                cors_origins=("https://app.example",),
            ),
            monkeypatch,
        )

    return make


def row_of(inside: Inside) -> dict[str, Any]:
    """The record of the last call."""
    return inside.recorder.rows[-1]


def log_of(inside: Inside) -> list[dict[str, Any]]:
    """Its attempts."""
    return json.loads(row_of(inside)["attempt_log"])


def tokens_by_model(inside: Inside) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Metrics: calls, tokens and nano-dollars by provider and model."""
    counted: dict[tuple[str, str], tuple[int, int, int]] = {}
    collected = inside.lasting.meter.collect_delta(everything=True)
    assert collected is not None
    for labels, count, cost, tokens, _ in collected.slots:
        before = counted.get((labels[1], labels[2]), (0, 0, 0))
        counted[labels[1], labels[2]] = (before[0] + count, before[1] + sum(tokens), before[2] + cost)
    return counted


def test_a_paid_reply_that_makes_no_sense_is_charged_to_who_sent_it(make: Make) -> None:
    """A translated 200 without choices was paid for at a, not at the fallback that answered or was never reached."""
    inside = make(dialect="openai_chat", retries=RetryPolicy(max=0))
    inside.script("a", reply(100, 50, choices=False))
    inside.script("b", reply(3, 2))
    messages = [{"role": "user", "content": "hi"}]
    caller = inside.call("/anthropic/v1/messages", {"model": "a/m", "max_tokens": 5, "messages": messages})
    assert caller.status == 200
    row = row_of(inside)
    assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (103, 52, "provider")
    assert row["cost_nanousd"] == 150 * 1000 + 5 * 2000
    first, second = log_of(inside)
    assert (first["provider"], first["cost_nanousd"], first["input_tokens"]) == ("a", 150_000, 100)
    assert (second["provider"], second["cost_nanousd"], second["outcome"]) == ("b", 10_000, "ok")
    assert tokens_by_model(inside) == {("a", "m"): (0, 150, 150_000), ("b", "m"): (1, 5, 10_000)}


def test_every_paid_attempt_is_summed(make: Make) -> None:
    """Three replies that were paid for and made no sense, then a good one of the fallback: all are in the cost."""
    inside = make()
    inside.script("a", *[reply(10, 10, choices=False)] * 3)
    inside.script("b", reply(1, 1))
    body = {"model": "a/m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    assert inside.call("/anthropic/v1/messages", body).status == 200
    row = row_of(inside)
    assert (row["attempts"], row["input_tokens"], row["output_tokens"]) == (4, 31, 31)
    assert row["cost_nanousd"] == 3 * 20_000 + 4_000
    assert [one["outcome"] for one in log_of(inside)] == ["protocol", "protocol", "protocol", "ok"]


@pytest.mark.parametrize(
    ("script", "billed"),
    [
        (failed(500), False),
        (failed(429), False),
        (answer(200, b'{"error":{"message":"x"}}'), False),
        (ConnectionResetError(), True),
        ((reply(9, 9)[:-30],), True),
    ],
    ids=["error", "limited", "error in a 200", "reset", "cut"],
)
def test_what_was_sent_and_not_told_is_unknown(make: Make, script: Any, billed: bool) -> None:
    """After an error in place of a reply nothing is owed; after a reset nobody knows, and the cost says so."""
    inside = make(retries=RetryPolicy(max=0), keys=(KeyFacts(name="1", value=SecretText("s1")),))
    inside.script("a", script)
    inside.script("b", reply(3, 2))
    assert inside.chat("a/m").status == 200
    row = row_of(inside)
    assert log_of(inside)[0]["billed"] is billed and log_of(inside)[0]["sent"] is True
    assert (row["cost_nanousd"], row["usage_source"]) == ((None, "partial") if billed else (10_000, "provider"))
    assert (row["input_tokens"], row["output_tokens"]) == (3, 2)


def test_a_target_that_was_never_reached_is_charged_nothing(make: Make) -> None:
    """No connection: nothing was sent, nothing is owed, and the record names where the call went."""
    inside = make(retries=RetryPolicy(max=0))

    async def refuse(*_: Any) -> Any:
        raise OSError("refused")

    from asbru.upstream import pool

    real = pool.dial
    inside_dial = [refuse]

    async def dial(origin: Any, contexts: Any, make_connection: Any) -> Any:
        return await (inside_dial.pop()(origin) if inside_dial else real(origin, contexts, make_connection))

    pool.dial = dial  # put back by the fixture's monkeypatch
    inside.script("b", reply(3, 2))
    assert inside.chat("a/m").status == 200
    first = log_of(inside)[0]
    assert (first["sent"], first["billed"]) == (False, False)
    assert (row_of(inside)["cost_nanousd"], row_of(inside)["provider"]) == (10_000, "b")


def test_the_price_is_that_of_the_model_that_served(make: Make) -> None:
    """An alias leads to a dearer model: that is what was paid."""
    inside = make(keys=(KeyFacts(name="1", value=SecretText("s1"), aliases={"m": "served"}),))
    inside.script("a", reply(3, 2))
    assert inside.chat("a/m").status == 200
    row = row_of(inside)
    assert (row["model_asked"], row["model_served"], row["cost_nanousd"]) == ("a/m", "served", 50_000)


def test_usage_beside_a_translated_reply_is_found(make: Make) -> None:
    """Where the reply's reader finds no usage, the body is searched, as for a reply that passes through."""
    inside = make(dialect="openai_chat")
    inside.script("a", reply(3, 2))
    messages = [{"role": "user", "content": "hi"}]
    operations = inside.lasting.dialects["openai_chat"].operations
    chat = operations[0]
    assert chat.codec is not None
    read = chat.codec.read_reply
    without = msgspec.structs.replace(
        chat.codec, read_reply=lambda body: msgspec.structs.replace(read(body), usage=None)
    )
    changed = msgspec.structs.replace(chat, codec=without)
    dialect = msgspec.structs.replace(inside.lasting.dialects["openai_chat"], operations=(changed, *operations[1:]))
    endpoint = inside.door.rooms.endpoints["a"]  # type: ignore[union-attr]  # the fixture has loaded rooms
    endpoint.dialect = dialect
    inside.call("/anthropic/v1/messages", {"model": "a/m", "max_tokens": 5, "messages": messages})
    assert (row_of(inside)["input_tokens"], row_of(inside)["output_tokens"]) == (3, 2)


def test_a_stream_asked_for_and_answered_whole_is_charged(make: Make) -> None:
    """The provider ignored `stream`: no stream for the caller, but its usage is known."""
    inside = make(retries=RetryPolicy(max=0))
    inside.script("a", reply(7, 3))
    inside.script("b", *[failed(500)] * 3)
    assert inside.chat("a/m", stream=True).status == 502
    assert (log_of(inside)[0]["input_tokens"], log_of(inside)[0]["outcome"]) == (7, "protocol")
    assert row_of(inside)["cost_nanousd"] == 10_000


@pytest.mark.parametrize("tell", [True, False])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/anthropic/v1/messages"])
def test_a_cancelled_stream_is_charged_what_was_told(make: Make, path: str, tell: bool) -> None:
    """The caller goes in mid-stream: usage that had come counts, else the amount is unknown; passed or translated."""
    inside = make()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    data = UPSTREAM_CHUNKS if tell else UPSTREAM_CHUNKS.partition(b"\n\n")[0] + b"\n\n"
    inside.script("a", head + b"%x\r\n%b\r\n" % (len(data), data))
    body = {"model": "a/m", "stream": True, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    caller = inside.call(path, body)
    assert b"Hel" in caller.answer
    caller.transport.lose()
    row = row_of(inside)
    assert (row["outcome"], row["status"]) == ("cancelled", 499)
    assert (row["input_tokens"], row["output_tokens"]) == ((4, 1) if tell else (None, None))
    assert row["cost_nanousd"] == (5000 if tell else None)
    assert log_of(inside)[0]["billed"] is True


def test_a_call_cancelled_while_it_is_answered_is_an_unknown_amount(make: Make) -> None:
    """The request is with the provider when the caller goes: one attempt, sent, billed, usage unknown."""
    inside = make()
    caller = inside.chat("a/m")
    caller.transport.lose()
    first = log_of(inside)[0]
    assert (first["sent"], first["billed"], first["outcome"]) == (True, True, "cancelled")
    assert (row_of(inside)["usage_source"], row_of(inside)["cost_nanousd"]) == ("none", None)


def test_notes_of_a_failed_attempt_are_not_told(make: Make) -> None:
    """Only what the attempt that answered left out: a dropped `store`, b dropped `seed` and nothing else."""
    inside = make(traits=strips("store"), other_traits=strips("seed"), retries=RetryPolicy(max=0))
    inside.script("a", failed(500))
    inside.script("b", reply(3, 2))
    caller = inside.chat("a/m", store=True, seed=1)
    assert caller.header(b"x-asbru-notes") == b"dropped seed (b refuses it)"
    assert row_of(inside)["notes"] == "dropped seed (b refuses it)"
    assert b'"store":true' in inside.requests[-1][1]


def test_an_estimate_is_no_less_than_what_the_stream_said() -> None:
    """Of a stream that told what went in, and of what came out no more than a part, the larger count holds."""
    begun = Usage(input=7, output=5)
    assert estimate(1_000, begun, 3) == Usage(input=7, output=5)
    assert estimate(1_000, begun, 9) == Usage(input=7, output=9)
    unsaid = estimate(1_000, None, 3)
    assert unsaid.output == 3 and unsaid.input > 100


def test_a_stripped_field_is_noted(make: Make) -> None:
    """In the header and in the record, by name."""
    inside = make(traits=strips("store", "seed"))
    inside.script("a", reply(3, 2))
    caller = inside.chat("a/m", store=True, seed=1, user="u")
    sent = json.loads(inside.requests[0][1].partition(b"\r\n\r\n")[2])
    assert "store" not in sent and "seed" not in sent and sent["user"] == "u"
    for told in (caller.header(b"x-asbru-notes"), row_of(inside)["notes"].encode()):
        assert told is not None and b"dropped seed" in told and b"dropped store" in told


@pytest.mark.parametrize(("dialect", "goes"), [("openai_chat", True), ("anthropic_messages", False)])
def test_the_query_goes_to_the_same_dialect_only(make: Make, dialect: str, goes: bool) -> None:
    """`?beta=true` means nothing to a provider of another dialect; a key in the query goes nowhere."""
    inside = make(dialect=dialect)
    inside.script("a", reply(1, 1) if goes else message(1, 1))
    body = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}
    assert inside.call("/v1/chat/completions?beta=true&key=sk-asb-test", body).status == 200
    line = inside.requests[0][1].split(b"\r\n")[0]
    assert line.endswith(b"?beta=true HTTP/1.1") is goes and b"sk-asb" not in line and (b"?" in line) is goes


def test_cross_origin_answers_vary_by_origin(make: Make) -> None:
    """A shared cache must not give one origin's answer to another: `vary: origin` on every answer to an origin."""
    inside = make()
    inside.script("a", reply(1, 1))
    body = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}
    for path, status in (("/v1/chat/completions", 200), ("/v1/nothing", 404)):
        caller = inside.call(path, body, b"origin: https://app.example")
        assert (caller.status, caller.header(b"vary")) == (status, b"origin")
        assert caller.header(b"access-control-allow-origin") == b"https://app.example"
    assert inside.call("/v1/nothing", body, b"origin: https://other.example").header(b"vary") is None


def test_the_body_is_let_go_of_during_a_stream(make: Make) -> None:
    """Streams last for minutes: neither the bytes, nor their members, nor the canonical form stay in memory."""
    inside = make(other_dialect="anthropic_messages")
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    data = UPSTREAM_CHUNKS.partition(b"\n\n")[0] + b"\n\n"
    for path in ("/v1/chat/completions", "/anthropic/v1/messages"):
        inside.script("a", head + b"%x\r\n%b\r\n" % (len(data), data))
        mark = f"mark-{len(inside.requests)}-".encode() * 5_000
        messages = [{"role": "user", "content": mark.decode()}]
        caller = inside.call(path, {"model": "a/m", "stream": True, "max_tokens": 5, "messages": messages})
        assert b"Hel" in caller.answer
        sent = inside.requests.pop()
        assert mark in sent[1]
        inside.upstreams[-1][1].written = b""
        inside._read.clear()
        del sent, messages
        gc.collect()
        held = [one for one in gc.get_objects() if isinstance(one, Call)]
        assert len(held) == 1 and held[0].body == b"" and held[0].canonical is None
        assert not held[0].head.members
        caller.transport.lose()
        del held, caller


def test_attempts_at_a_target_end(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys there are, one call asks one target at most 64 times."""
    keys = tuple(KeyFacts(name=str(number), value=SecretText(f"s{number}")) for number in range(200))
    inside = make(keys=keys)
    inside.script("a", *[failed(429)] * 200)
    inside.script("b", reply(3, 2))
    monkeypatch.setattr("tests.fakes.inside.TURNS_MAX", 2000)
    assert inside.chat("a/m").status == 200
    assert [host for host, _ in inside.requests].count("a.test") == 64
    row = row_of(inside)
    assert row["attempts"] == 65 and len(log_of(inside)) == ATTEMPTS_LOGGED_MAX
    assert log_of(inside)[0]["key"] == "0" and log_of(inside)[-1]["provider"] == "b"


def spent(*usages: Usage | None, cost: int | None = 1) -> Any:
    """The sum of attempts that used these and were sent."""
    route = ProviderRoute("p", "openai_chat", (), keyless=True)
    attempts: list[Attempt] = []
    for usage in usages:
        one = Attempt(Target(route, "m"), NO_KEY, None, 0.0)  # type: ignore[arg-type]  # no endpoint is asked
        one.sent = True
        one.outcome = "ok"
        one.usage = usage
        if usage is not None:
            one.cost_nanousd = cost
        attempts.append(one)
    return total(attempts)


def test_sums_of_attempts() -> None:
    """Known plus known is known; with an unknown one the usage is partial and the cost unknown."""
    one = Usage(input=1, cache_read=2, cache_write_5m=3, cache_write_1h=4, audio_input=5, output=6, reasoning=7)
    assert spent() == (None, "none", None)
    assert spent(one) == (one, "provider", 1)
    both = spent(one, Usage(output=1, audio_output=8, reasoning_known=False))
    assert both.usage == Usage(1, 2, 3, 4, 5, 7, 7, 8, reasoning_known=False)
    assert (both.source, both.cost_nanousd) == ("provider", 2)
    assert spent(one, None) == (one, "partial", None)
    assert spent(None, None) == (None, "none", None)
    assert spent(one, one, cost=None).cost_nanousd is None


def test_the_attempt_log_is_always_json() -> None:
    """However long model names and keys are, and however many attempts there were."""
    route = ProviderRoute("p", "openai_chat", (), keyless=True)
    one = Attempt(Target(route, "m" * 10_000), NO_KEY, None, 0.0)  # type: ignore[arg-type]  # no endpoint is asked
    call = SimpleNamespace(attempts=(one,) * 100, passed_over=(), not_allowed=(), outcome="error")
    written = write_attempt_log(cast("Call", call), 1.0)
    assert len(json.loads(written)) == ATTEMPTS_LOGGED_MAX and len(written) < 16 * 1024


@pytest.mark.parametrize("count", [2**64, 2**63, 10**13])
def test_a_count_that_cannot_be_true_is_unknown(make: Make, count: int) -> None:
    """An absurd count is nobody's: the usage is unknown and noted, and what is stored and told stays within bounds."""
    inside = make()
    inside.script("a", reply(count, 1))
    assert inside.chat("a/m").status == 200
    row = row_of(inside)
    assert (row["input_tokens"], row["usage_source"], row["cost_nanousd"]) == (None, "none", None)
    assert "usage" in row["notes"]
    msgspec.msgpack.encode(inside.lasting.meter.collect_delta(everything=True))


def test_so_many_searches_cannot_be_true() -> None:
    """A count of what is charged by a fee is bounded like one of tokens."""
    one = Attempt(Target(ProviderRoute("p", "openai_chat", (), keyless=True), "m"), NO_KEY, None, 0.0)  # type: ignore[arg-type]  # no endpoint is asked
    one.usage = Usage(input=1, standard=False, web_searches=2**70)
    price_attempts([one], cast("Prices", None))
    assert one.usage is None and one.notes


def test_a_bug_is_recorded_as_one(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that our own mistake ends is a 500 in its record too, not a caller who left."""
    inside = make()

    def broken(*_: Any) -> Any:
        raise ValueError("a bug")

    assert inside.door.rooms is not None
    monkeypatch.setattr(inside.door.rooms.plan, "targets", broken)
    assert inside.chat("a/m").status == 500
    row = row_of(inside)
    assert (row["status"], row["outcome"], row["error_code"]) == (500, "error", "internal_error")


@pytest.mark.parametrize(("tier", "cost"), [("default", 10_000), ("flex", None), ("priority", None)])
def test_a_tier_without_a_known_price_has_no_cost(make: Make, tier: str, cost: int | None) -> None:
    """Never the standard price in silence: whole and streamed, as it came and translated."""
    inside = make(operations=("chat",))
    usage = {"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10}
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    whole = answer(200, msgspec.json.encode({"id": "c", "choices": [choice], "usage": usage, "service_tier": tier}))
    first = {"id": "c", "choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}
    last = {"id": "c", "service_tier": tier, "choices": [], "usage": usage}
    events = b"".join(b"data: %b\n\n" % one for one in (*map(msgspec.json.encode, (first, last)), b"[DONE]"))
    stream = answer(200, events, content_type=b"text/event-stream")
    body = {"model": "a/m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    for path in ("/v1/chat/completions", "/anthropic/v1/messages"):
        for streamed, script in ((False, whole), (True, stream)):
            inside.script("a", script)
            assert inside.call(path, {**body, "stream": streamed}).status == 200
            row = row_of(inside)
            assert (row["input_tokens"], row["output_tokens"], row["cost_nanousd"]) == (8, 2, cost), (path, streamed)


@pytest.mark.parametrize("failures", [0, 1])
def test_what_no_provider_charges_for_costs_nothing(make: Make, failures: int) -> None:
    """A count of tokens is free: its cost is 0 and not unknown, so that sums are not said to lack it; at the second
    attempt, too."""
    inside = make(dialect="anthropic_messages")
    inside.script("a", *[failed(500)] * failures, answer(200, b'{"input_tokens":7}'))
    body = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}
    assert inside.call("/anthropic/v1/messages/count_tokens", body).status == 200
    row = row_of(inside)
    assert (row["outcome"], row["attempts"], row["usage_source"]) == ("ok", 1 + failures, "none")
    assert (row["cost_nanousd"], row["input_tokens"]) == (0, None)
    assert sums_of(list(row.values())).unpriced == 0
