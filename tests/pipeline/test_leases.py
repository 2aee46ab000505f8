"""What calls hold and what they pay: the whole path over a ledger in memory, with providers that are scripted."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.fakes.inside import KEY, PEPPER, Caller, Inside, answer, provider
from tests.fakes.ledgers import Desk

from asbru.app.snapshot import Fallback, KeyFacts, Snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.core.money import MTOK, PriceRow
from asbru.core.secret_text import SecretText
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry, LimitEntry, OwnerEntry, ProviderEntry
from asbru.governance.limits import Reservation

TOKEN = 1000
"""Nano-dollars for an output token; input is free."""
PRICED = (PricedModel("m", MatchClause("starts_with", "m"), (PriceRow(0, TOKEN * MTOK, 0, 0, 0, 0, 0),)),)
LIMIT_ID = "key/test/cost/1d"
TARGET_ID = "provider/a/cost/1d"


def budget(tokens: int, **changed: Any) -> LimitEntry:
    """A budget for so many output tokens."""
    return LimitEntry(**{"id": LIMIT_ID, "metric": "cost", "amount": tokens * TOKEN, "window": "1d", **changed})


def reply(tokens: int) -> bytes:
    """A whole answer with so many output tokens."""
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": tokens + 3}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    return answer(200, json.dumps(body).encode())


def _snapshot(reservation: dict[str, Any]) -> Snapshot:
    """Two providers that cost something, of which one is the other's fallback, and one that does not."""
    providers = (provider("a", prices=PRICED), provider("b", prices=PRICED), provider("free"))
    fallbacks = (Fallback(source="a/m", targets=("b/m",)),)
    return Snapshot(providers=providers, fallbacks=fallbacks, reservation=msgspec.convert(reservation, Reservation))


class Governed:
    """The path, and the ledger that its worker asks."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, *limits: LimitEntry, snapshot: Snapshot | None = None, **changed: Any
    ) -> None:
        self.desk = Desk()
        self.inside = Inside(snapshot or _snapshot(changed), monkeypatch, limits=self.desk.limits)
        self.know(*limits)

    def know(self, *limits: LimitEntry, **changed: Any) -> None:
        """The limits of the key `test`."""
        entry = KeyEntry("test", ("*",), owner_id="key/test", limits=limits, **changed)
        self.desk.limits.owners.keys.put(digest_of(KEY.encode(), PEPPER), msgspec.msgpack.encode(entry))

    def know_owner(self, owner: str, *limits: LimitEntry) -> None:
        """The limits of another owner or of a target."""
        self.desk.limits.owners.owners.put(owner, msgspec.msgpack.encode(OwnerEntry(owner, limits=limits)))

    def chat(self, model: str = "a/m", **members: Any) -> Caller:
        """One call, to its end."""
        return self.play(self.inside.chat(model, **members))

    def play(self, caller: Caller) -> Caller:
        """What the ledger answers, and what that leads to."""
        for _ in range(10):
            self.desk.answer()
            self.inside.play()
        return caller

    def used(self, key: str = LIMIT_ID) -> int:
        """What the ledger has, when all is reported and given back; in output tokens."""
        self.desk.flush()
        self.desk.flush(seconds=1.0)
        self.desk.flush(seconds=1.0)
        self.desk.flush()
        return self.desk.ledger.count(key, self.desk.now_ms).used // TOKEN


def error(caller: Caller) -> dict[str, Any]:
    """The error that a caller was told."""
    found: dict[str, Any] = json.loads(caller.body)["error"]
    return found


def test_no_limit_no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a limit there is no ledger on the path; it comes with the first one and goes with the last."""
    governed = Governed(monkeypatch)
    rooms = governed.inside.door.rooms
    assert rooms is not None and rooms.leases is None and rooms.standings is None and rooms.routing is None
    governed.know(budget(100))
    assert rooms.leases is not None and rooms.standings is governed.desk.limits
    governed.know()
    assert rooms.leases is None and rooms.routing is None


def test_the_worst_case_is_held_and_what_it_cost_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `max_tokens` allows must fit, and only what was used stays spent."""
    governed = Governed(monkeypatch, budget(100))
    governed.inside.script("a", reply(30), reply(60))
    assert governed.chat(max_tokens=101).status == 402
    assert governed.chat(max_tokens=100).status == 200
    assert governed.used() == 30
    refused = governed.chat(max_tokens=71)
    assert refused.status == 402 and error(refused)["code"] == "budget_exceeded"
    assert "key 'test' has used 0.00003 USD of its budget of 0.0001 USD per day" in error(refused)["message"]
    assert governed.chat(max_tokens=70).status == 200
    assert governed.used() == 90


def test_without_max_tokens_the_setting_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model can is not known: so much is held, and no more."""
    governed = Governed(monkeypatch, budget(100), reserve_output_tokens_max=101)
    assert governed.chat().status == 402
    governed = Governed(monkeypatch, budget(100), reserve_output_tokens_max=100)
    governed.inside.script("a", reply(1))
    assert governed.chat().status == 200


def test_a_spent_budget_stops_calls_to_models_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens may be counted, also while the ledger is away: it is not asked."""
    governed = Governed(monkeypatch)
    governed.inside.load(Snapshot(providers=(provider("c", "anthropic_messages", prices=PRICED),)))
    governed.know(budget(100))
    governed.know_owner("provider/c", budget(100, id=TARGET_ID))
    body = {"model": "c/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 101}
    assert governed.play(governed.inside.call("/anthropic/v1/messages", body)).status == 402
    governed.desk.link.connected = False
    governed.inside.script("c", answer(200, b'{"input_tokens": 9}'))
    del body["max_tokens"]
    assert governed.inside.call("/anthropic/v1/messages/count_tokens", body).status == 200


def test_a_dearer_tier_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for in a service tier is held at its price, or at the standard one where that is more."""
    row = PRICED[0].rows[0]
    dear = msgspec.structs.replace(row, output=row.output * 3)
    cheap = msgspec.structs.replace(row, output=row.output // 2)
    priced = (msgspec.structs.replace(PRICED[0], tiers={"priority": (dear,), "flex": (cheap,)}),)
    governed = Governed(monkeypatch, budget(100))
    governed.inside.load(Snapshot(providers=(provider("a", prices=priced),)))
    governed.know(budget(100))
    for _ in range(3):
        governed.inside.script("a", reply(1))
    asked = {"priority": (33, 34), "flex": (99, 100), "7": (98, 99)}
    for tier, (fits, too_much) in asked.items():
        member = 7 if tier == "7" else tier
        assert governed.chat(max_tokens=too_much + 1, service_tier=member).status == 402
        assert governed.chat(max_tokens=fits, service_tier=member).status == 200


def test_an_unknown_price(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused under a budget, unless a setting allows it; without a budget nobody asks."""
    governed = Governed(monkeypatch, budget(100))
    refused = governed.chat("free/m", max_tokens=1)
    assert refused.status == 403 and error(refused)["code"] == "price_unknown"
    governed = Governed(monkeypatch, budget(100), unknown_price="allow")
    governed.inside.script("free", reply(5))
    assert governed.chat("free/m", max_tokens=10).status == 200
    assert governed.used() == 0
    governed.know(LimitEntry("key/test/requests/1d", "requests", 1, "1d"))
    governed.inside.script("free", reply(5))
    assert governed.chat("free/m").status == 200
    assert governed.chat("free/m").status == 429


def test_the_price_of_a_fallback_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing was sent to the first target: a target without a price is passed over."""
    governed = Governed(monkeypatch, budget(100))
    providers = (provider("a", prices=PRICED, keys=()), provider("free"))
    fallbacks = (Fallback(source="a/m", targets=("free/m",)),)
    governed.inside.load(Snapshot(providers=providers, fallbacks=fallbacks))
    governed.know(budget(100))
    governed.chat(max_tokens=1)
    assert not governed.inside.requests and governed.used() == 0


def test_an_answer_that_told_nothing_cost_what_was_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows what it cost; an error in place of an answer costs nothing."""
    governed = Governed(monkeypatch, budget(100))
    governed.inside.script("a", answer(400, b'{"error": {"message": "no"}}'))
    assert governed.chat(max_tokens=40).status == 400
    assert governed.used() == 0
    governed.inside.script("a", answer(200, b'{"choices": []}'))
    governed.chat(max_tokens=40)
    assert governed.used() == 40


def test_an_attempt_after_one_that_may_be_charged_holds_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries cannot spend what was held for the first attempt: where there is no room for another, there is none."""
    governed = Governed(monkeypatch, budget(100))
    governed.inside.script("a", ConnectionResetError(), ConnectionResetError(), reply(10))
    governed.chat(max_tokens=50)
    assert len(governed.inside.requests) == 2
    assert governed.used() == 100


def test_a_target_at_its_limit_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a provider hold whoever calls, and lead to the next target; they count what that target cost."""
    governed = Governed(monkeypatch)
    governed.know_owner("provider/a", budget(50, id=TARGET_ID))
    governed.inside.script("a", reply(48))
    governed.inside.script("b", reply(30))
    assert governed.chat(max_tokens=50).status == 200
    assert governed.chat(max_tokens=50).status == 200
    assert [host for host, _ in governed.inside.requests] == ["a.test", "b.test"]
    assert governed.used(TARGET_ID) == 48
    governed.know_owner("provider/b", budget(50, id="provider/b/cost/1d"))
    governed.know_owner("model/b/m*", LimitEntry("model/b/requests/1d", "requests", 1, "1d"))
    governed.inside.script("b", reply(10))
    assert governed.chat(max_tokens=50).status == 200
    last = governed.chat(max_tokens=50)
    assert last.status == 402 and "provider 'b'" in error(last)["message"], "the other one was left out"


def test_a_provider_key_at_its_limit_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another key of the same provider is used; when none is left, the caller hears of the limit."""
    governed = Governed(monkeypatch)
    keys = tuple(KeyFacts(name=name, value=SecretText(f"secret-{name}")) for name in ("one", "two"))
    governed.inside.load(Snapshot(providers=(provider("a", prices=PRICED, keys=keys),)))
    for name in ("one", "two"):
        limit = LimitEntry(f"provider_key/a/{name}/requests/1d", "requests", 1, "1d")
        governed.know_owner(f"provider_key/a/{name}", limit)
    governed.inside.script("a", reply(1), reply(1))
    assert [governed.chat().status for _ in range(3)] == [200, 200, 429]
    assert [b"secret-two" in sent for _, sent in governed.inside.requests] == [False, True]


def test_a_limit_of_a_model_counts_its_aliases(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model has one limit, whatever name the provider's key has for it."""
    governed = Governed(monkeypatch)
    key = KeyFacts(name="one", value=SecretText("secret-one"), aliases={"fast": "m"})
    governed.inside.load(Snapshot(providers=(provider("a", prices=PRICED, keys=(key,)),)))
    governed.know_owner("model/a/m", LimitEntry("model/a/m/requests/1d", "requests", 1, "1d"))
    governed.inside.script("a", reply(1), reply(1))
    assert [governed.chat("a/fast").status for _ in range(2)] == [200, 429]


def test_limits_of_a_key_at_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a key may use of one provider."""
    governed = Governed(monkeypatch)
    limit = LimitEntry("key/test/provider/a/requests/1d", "requests", 1, "1d")
    governed.know(providers=(ProviderEntry("a", limits=(limit,)), ProviderEntry()))
    governed.inside.script("a", reply(1))
    governed.inside.script("b", reply(1), reply(1))
    assert [governed.chat().status for _ in range(3)] == [200, 200, 200]
    assert [host for host, _ in governed.inside.requests] == ["a.test", "b.test", "b.test"]


def test_tokens_count_as_the_provider_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """The estimate of the input is held, what was used is counted."""
    limit = LimitEntry("key/test/tokens/1d", "tokens", 200, "1d")
    governed = Governed(monkeypatch, limit)
    governed.inside.script("a", reply(7), reply(7))
    assert governed.chat(max_tokens=100).status == 200
    governed.desk.flush()
    assert governed.used(limit.id) == 0  # in thousands
    assert governed.desk.ledger.count(limit.id, governed.desk.now_ms).used == 10
    refused = governed.chat(max_tokens=190)
    assert refused.status == 429 and error(refused)["code"] == "rate_limit_exceeded"


def test_an_expected_budget_holds_what_calls_usually_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a cost is known, the worst case need not fit."""
    governed = Governed(monkeypatch, budget(100, strict=False))
    governed.inside.script("a", reply(10), reply(10))
    governed.inside.script("b", reply(10))
    assert governed.chat(max_tokens=100).status == 200
    assert governed.chat(max_tokens=100).status == 402, "what the fallback costs is not known yet"
    assert governed.chat("b/m", max_tokens=90).status == 200
    assert governed.chat(max_tokens=100).status == 200
    assert governed.used() == 30


def test_a_run_has_a_budget_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each session that a header names counts for itself, calls without one together."""
    governed = Governed(monkeypatch, budget(50, id="key/test/cost/run", window="run"))
    body = {"model": "b/m", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
    for _ in range(3):
        governed.inside.script("b", reply(30))
    for lines in ((b"x-claude-code-session-id: one",), (b"session-id: two",), ()):
        calls = [governed.play(governed.inside.call("/v1/chat/completions", body, *lines)) for _ in range(2)]
        assert [one.status for one in calls] == [200, 402]
        assert "begin a new run" in error(calls[1])["message"]


def test_runs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that makes up names of runs keeps so many at most; while all are in use, one more is refused."""
    governed = Governed(monkeypatch, budget(100, window="run"), runs_max=2)
    body = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 60}
    for run in (b"one", b"two", b"three"):
        caller = governed.play(governed.inside.call("/v1/chat/completions", body, b"x-asbru-run: " + run))
    assert caller.status == 429 and "2 runs under way" in error(caller)["message"]


def test_a_caller_that_goes_pays_for_what_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is sent nothing is paid and nothing stays held; after it, what was held is spent."""
    governed = Governed(monkeypatch, budget(100))
    waiting = governed.inside.chat("a/m", max_tokens=60)
    waiting.transport.lose()
    governed.play(waiting)
    assert not governed.inside.requests and governed.used() == 0
    sent = governed.chat(max_tokens=60)
    sent.transport.lose()
    governed.play(sent)
    assert governed.used() == 60


def event(text: str, **members: Any) -> bytes:
    """An event of a stream."""
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **members}
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def stream(*events: bytes) -> tuple[bytes, ...]:
    """A stream's pieces, that ends with the connection."""
    return (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n", *events)


def test_a_stream_that_outgrows_its_reservation_reserves_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part before it does; and is paid for what the provider says."""
    governed = Governed(monkeypatch, budget(1000), reserve_output_tokens_max=40)
    usage = {"prompt_tokens": 1, "completion_tokens": 100, "total_tokens": 101}
    end = event("", usage=usage) + b"data: [DONE]\n\n"
    governed.inside.script("a", stream(*(event("word") for _ in range(100)), end))
    caller = governed.chat(stream=True)
    assert caller.status == 200 and caller.body.endswith(b"data: [DONE]\n\n")
    assert governed.used() == 100


def test_a_stream_that_a_strict_budget_refuses_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an error event that names the budget, as soon as the refusal is known."""
    governed = Governed(monkeypatch, budget(50), reserve_output_tokens_max=40)
    inside = governed.inside
    caller = governed.chat(stream=True)
    _, transport = inside.upstreams[-1]
    for piece in stream(*(event("word") for _ in range(35))):
        transport.receive(piece)
    governed.play(caller)
    transport.receive(event("more"))
    governed.play(caller)
    assert b"budget_exceeded" in caller.body and b"[DONE]" not in caller.body
    assert transport.closing
    assert governed.used() == 40, "nobody knows what it cost: what was held"


def test_a_stream_that_is_left_costs_all_that_was_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also what it reserved as it grew; a provider's budget is topped up as those of owners are."""
    governed = Governed(monkeypatch, reserve_output_tokens_max=40)
    governed.know_owner("provider/a", budget(1000, id=TARGET_ID))
    caller = governed.chat(stream=True)
    _, transport = governed.inside.upstreams[-1]
    for piece in stream(*(event("word") for _ in range(35))):
        transport.receive(piece)
    governed.play(caller)
    caller.transport.lose()
    governed.play(caller)
    assert governed.used(TARGET_ID) == 80


def test_an_absurd_max_tokens_is_refused_and_nothing_else_suffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A need beyond what can be written to the ledger is a refusal of that call: those of others are answered."""
    tokens = LimitEntry("key/test/tokens/1d", "tokens", 10_000, "1d")
    governed = Governed(monkeypatch, budget(100), tokens)
    governed.inside.script("a", reply(5))
    for members in ({"max_tokens": 10**30}, {"max_tokens": 10**18, "n": 10**18}, {"max_tokens": 1, "n": 10**300}):
        assert governed.chat(**members).status in (400, 402, 429)
    assert governed.chat(max_tokens=5).status == 200
    assert governed.used() == 5
    assert not governed.desk.link.questions and not governed.desk.limits.held()


@pytest.mark.parametrize(
    ("members", "status"),
    [
        ({"prompt": ["a"] * 10, "max_tokens": 11}, 402),
        ({"prompt": ["a"] * 10, "max_tokens": 10}, 200),
        ({"prompt": [[1, 2], [3]] * 5, "max_tokens": 11}, 402),
        ({"prompt": [1, 2, 3] * 5, "max_tokens": 100}, 200),
        ({"prompt": "a", "best_of": 10, "max_tokens": 11}, 402),
        ({"prompt": "a", "best_of": 2, "n": 4, "max_tokens": 26}, 402),
        ({"prompt": ["a", "b"], "n": 5, "max_tokens": 10}, 200),
    ],
)
def test_completions_hold_for_every_prompt_and_candidate(
    monkeypatch: pytest.MonkeyPatch, members: dict[str, Any], status: int
) -> None:
    """Each prompt of a list is completed, `best_of` times, and all of it is paid for."""
    governed = Governed(monkeypatch, budget(100))
    governed.inside.script("a", reply(1))
    assert governed.play(governed.inside.call("/v1/completions", {"model": "a/m", **members})).status == status


def test_the_larger_of_two_maxima_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers differ in which of `max_tokens` and `max_completion_tokens` they follow."""
    governed = Governed(monkeypatch, budget(100))
    assert governed.chat(max_tokens=101, max_completion_tokens=1).status == 402
    assert governed.chat(max_tokens=1, max_completion_tokens=101).status == 402


def test_a_stream_that_leaps_reserves_as_much_as_it_leapt(monkeypatch: pytest.MonkeyPatch) -> None:
    """One piece may hold many steps: they are all reserved, or the stream ends."""
    governed = Governed(monkeypatch, budget(200), reserve_output_tokens_max=40)
    caller = governed.chat(stream=True)
    _, transport = governed.inside.upstreams[-1]
    transport.receive(stream()[0])
    transport.receive(b"".join(event("word") for _ in range(300)))
    governed.play(caller)
    transport.receive(event("more"))
    governed.play(caller)
    assert b"budget_exceeded" in caller.body and transport.closing


@pytest.mark.parametrize("most", [0, -1, -(10**30)])
@pytest.mark.parametrize("stream", [False, True])
def test_a_max_tokens_that_is_none_allows_as_much_as_none(
    monkeypatch: pytest.MonkeyPatch, most: int, *, stream: bool
) -> None:
    """Some servers take -1 for "no limit": then the setting is held, and a stream is counted."""
    governed = Governed(monkeypatch, budget(100), reserve_output_tokens_max=101)
    assert governed.chat(max_tokens=most, stream=stream).status == 402


def test_a_stream_without_a_maximum_of_its_own_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends where the budget does, also if it came with a maximum that is none."""
    governed = Governed(monkeypatch, budget(50), reserve_output_tokens_max=40)
    caller = governed.chat(stream=True, max_tokens=-1)
    _, transport = governed.inside.upstreams[-1]
    for piece in stream(*(event("word") for _ in range(35))):
        transport.receive(piece)
    governed.play(caller)
    transport.receive(event("more"))
    governed.play(caller)
    assert b"budget_exceeded" in caller.body and transport.closing


@pytest.mark.parametrize("route", ["/anthropic/v1/messages", "/v1/chat/completions"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_cut_after_its_first_usage_costs_what_was_held(
    monkeypatch: pytest.MonkeyPatch, route: str, *, cut: bool
) -> None:
    """Anthropic tells the input at the beginning and the output at the end: where the caller goes or the provider
    breaks off in between, more was used than was told. So it is for callers of another dialect."""
    governed = Governed(monkeypatch)
    governed.inside.load(Snapshot(providers=(provider("c", "anthropic_messages", prices=PRICED),)))
    governed.know(budget(1000))
    body = {"model": "c/m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 100, "stream": True}
    caller = governed.play(governed.inside.call(route, body))
    _, transport = governed.inside.upstreams[-1]
    usage = {"input_tokens": 3, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *(delta for _ in range(50)),
    ]
    for piece in stream(
        *(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)
    ):
        transport.receive(piece)
    assert caller.status == 200
    (transport if cut else caller.transport).lose()
    governed.play(caller)
    assert governed.used() == 100
    row = governed.inside.recorder.rows[-1]
    assert (row["usage_source"], row["input_tokens"]) == ("estimated", 3)
    assert 50 < row["output_tokens"] <= 52, "an event is a token at least, also one that begins something"
    assert row["cost_nanousd"] == row["output_tokens"] * TOKEN, "what was counted; the budget pays what was held"


GROWS = {
    "expected": budget(1000, strict=False),
    "tokens": LimitEntry(id=LIMIT_ID, metric="tokens", amount=1000 * TOKEN, window="1h"),
    "output_tokens": LimitEntry(id=LIMIT_ID, metric="output_tokens", amount=1000 * TOKEN, window="1h"),
}


@pytest.mark.parametrize("kind", GROWS)
@pytest.mark.parametrize("of", ["key", "target"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_stream_that_is_left_costs_what_came(
    monkeypatch: pytest.MonkeyPatch, kind: str, of: str, *, cut: bool
) -> None:
    """Where it outgrew what was reserved, and nothing more is reserved on the way: of an expected budget and of limits
    of tokens, of the key and of the provider. The caller goes or the provider breaks off before the usage."""
    governed = Governed(monkeypatch, reserve_output_tokens_max=40)
    if of == "key":
        governed.know(GROWS[kind])
    else:
        governed.know_owner("provider/a", GROWS[kind])
    caller = governed.chat(stream=True)
    _, transport = governed.inside.upstreams[-1]
    for piece in stream(*(event("word") for _ in range(90))):
        transport.receive(piece)
    (transport if cut else caller.transport).lose()
    governed.play(caller)
    used = governed.desk.flush() or governed.desk.ledger.count(LIMIT_ID, governed.desk.now_ms).used
    row = governed.inside.recorder.rows[-1]
    assert (row["usage_source"], row["output_tokens"], row["cost_nanousd"]) == ("estimated", 90, 90 * TOKEN)
    want = {"expected": 90 * TOKEN, "tokens": 90 + row["input_tokens"], "output_tokens": 90}[kind]
    assert used >= want, "slices in hand count as used"
    governed.used()
    assert governed.desk.ledger.count(LIMIT_ID, governed.desk.now_ms).used == want


def test_a_stream_without_limits_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that only counts as a request: its usage stays unknown, and counting costs it nothing."""
    requests = LimitEntry(id="key/test/requests/1m", metric="requests", amount=10, window="1m")
    governed = Governed(monkeypatch, requests)
    caller = governed.chat(stream=True)
    _, transport = governed.inside.upstreams[-1]
    for piece in stream(*(event("word") for _ in range(9))):
        transport.receive(piece)
    caller.transport.lose()
    governed.play(caller)
    row = governed.inside.recorder.rows[-1]
    assert (row["usage_source"], row["output_tokens"], row["cost_nanousd"]) == ("none", None, None)


def test_a_stream_after_an_attempt_that_told_nothing_is_partial(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the first attempt nothing is known, of the stream what was counted: there may be more."""
    governed = Governed(monkeypatch, budget(1000, strict=False), reserve_output_tokens_max=40)
    governed.inside.script("a", *[ConnectionResetError()] * 9)
    caller = governed.chat(stream=True)
    _, transport = governed.inside.upstreams[-1]
    for piece in stream(*(event("word") for _ in range(90))):
        transport.receive(piece)
    caller.transport.lose()
    governed.play(caller)
    row = governed.inside.recorder.rows[-1]
    assert row["attempts"] > 1 and row["provider"] == "b"
    assert (row["usage_source"], row["output_tokens"], row["cost_nanousd"]) == ("partial", 90, None)
