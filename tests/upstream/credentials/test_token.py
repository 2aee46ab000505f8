"""Tokens: one refresh for all who wait, early enough, with a deadline; what a failure means for whom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.fakes.paths import RunningPath, run_path

from asbru.core.errors import UpstreamError
from asbru.upstream import Exchange, ExchangeDeadlines, UpstreamResponse
from asbru.upstream.credentials import (
    FixedCredential,
    OutgoingRequest,
    SignedCredential,
    Token,
    TokenCredential,
    TokenFlow,
    TokenPorts,
    TokenRequest,
)
from asbru.upstream.credentials.token import (
    EXPIRY_SLACK_S,
    REFRESH_DEADLINE_S,
    REFRESH_EARLY_S,
    REFRESH_PAUSE_S,
    REFUSED_AGE_S,
    REQUESTS_MAX,
)

REQUEST = OutgoingRequest(b"POST", b"h", b"/p", b"", 7.0)
LIFE_S = 3600.0


class Timer:
    """One that the test lets ring."""

    def __init__(self, seconds: float, ring: Callable[[], object]) -> None:
        self.seconds = seconds
        self.ring = ring
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class World:
    """The ports of a credential: exchanges are answered, time passes and timers ring when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.exchanges: list[Exchange] = []
        self.requests: list[TokenRequest] = []
        self.timers: list[Timer] = []
        self.ports = TokenPorts("azure/key-1", self.send, lambda: self.now_s, lambda: 1e9, self.call_later)

    def send(self, request: TokenRequest) -> Exchange:
        self.requests.append(request)
        self.exchanges.append(Exchange(b"", b"", ExchangeDeadlines(), False, 0.0))
        return self.exchanges[-1]

    def call_later(self, seconds: float, ring: Callable[[], object]) -> Timer:
        self.timers.append(Timer(seconds, ring))
        return self.timers[-1]

    def answer(self, body: bytes = b"t", status: int = 200, coding: bytes = b"") -> None:
        """The last request is answered."""
        exchange = self.exchanges[-1]
        exchange.over = True
        exchange.resolve(UpstreamResponse(status, b"", coding, body))


def flow(unix_s: float) -> TokenFlow:
    """One request; the token is what it was answered with."""
    assert unix_s == 1e9
    answer = yield TokenRequest("POST", "https://tokens.test/t", (), b"client_secret=hidden")
    return Token(FixedCredential(b"authorization: Bearer %b\r\n" % answer.body), LIFE_S)


@pytest.fixture
def world() -> World:
    """Where nothing happens by itself."""
    return World()


@pytest.fixture
def credential(world: World) -> TokenCredential:
    """One whose tokens live an hour."""
    return TokenCredential(flow, world.ports)


def asked(credential: TokenCredential) -> RunningPath[bytes]:
    """A call that asks for lines."""
    return RunningPath(credential.lines(REQUEST))


def line(token: bytes) -> bytes:
    """How a token is shown."""
    return b"authorization: Bearer %b\r\n" % token


def error_of(path: RunningPath[bytes]) -> UpstreamError:
    """How a call failed."""
    assert isinstance(path.error, UpstreamError)
    return path.error


def test_one_refresh_for_all_who_wait(world: World, credential: TokenCredential) -> None:
    """The first call begins it, the others wait for the same, all get the token; the next has it at once."""
    assert credential.fixed is None and not world.requests
    calls = [asked(credential) for _ in range(5)]
    assert len(world.requests) == 1 and not any(call.done for call in calls)
    world.answer(b"t1")
    assert [call.result() for call in calls] == [line(b"t1")] * 5
    assert run_path(credential.lines(REQUEST)) == line(b"t1")
    assert len(world.requests) == 1 and all(timer.cancelled for timer in world.timers)


def test_a_caller_that_leaves_takes_nobody_along(world: World, credential: TokenCredential) -> None:
    """Also where it was the one that began the refresh."""
    first, second = asked(credential), asked(credential)
    first.close()
    world.answer(b"t1")
    assert second.result() == line(b"t1") and not first.done


def test_a_token_is_refreshed_before_it_ends(world: World, credential: TokenCredential) -> None:
    """When it is due nobody waits: calls go on with it until the new one is there, and one refresh is enough."""
    asked(credential)
    world.answer(b"t1")
    world.now_s += LIFE_S - REFRESH_EARLY_S - 1
    assert run_path(credential.lines(REQUEST)) == line(b"t1") and len(world.requests) == 1
    world.now_s += 1
    for _ in range(3):
        assert run_path(credential.lines(REQUEST)) == line(b"t1")
    assert len(world.requests) == 2
    world.answer(b"t2")
    assert run_path(credential.lines(REQUEST)) == line(b"t2") and len(world.requests) == 2


def test_an_old_token_is_not_shown(world: World, credential: TokenCredential) -> None:
    """A little before its end, for the request takes a while, calls wait for the next one."""
    asked(credential)
    world.answer(b"t1")
    world.now_s += LIFE_S - EXPIRY_SLACK_S - 0.1
    assert run_path(credential.lines(REQUEST)) == line(b"t1")
    world.now_s += 0.2
    late = asked(credential)
    assert not late.done and len(world.requests) == 2
    world.answer(b"t2")
    assert late.result() == line(b"t2")


@pytest.mark.parametrize(("life", "due_s", "old_s"), [(60.0, 30.0, 54.0), (600.0, 300.0, 590.0), ("60", 30.0, 54.0)])
def test_short_tokens_keep_proportions(world: World, life: Any, due_s: float, old_s: float) -> None:
    """Half of a life is used before a refresh, nine tenths at most; a number written as text is one."""

    def short(unix_s: float) -> TokenFlow:
        answer = yield TokenRequest("GET", "https://tokens.test/t")
        return Token(FixedCredential(answer.body), life)

    credential = TokenCredential(short, world.ports)
    asked(credential)
    world.answer(b"t1")
    for seconds, requests, done in ((due_s - 1, 1, True), (due_s + 1, 2, True), (old_s - 1, 2, True)):
        world.now_s = 1000.0 + seconds
        assert (asked(credential).done, len(world.requests)) == (done, requests)
    world.now_s = 1000.0 + old_s + 1
    assert not asked(credential).done and len(world.requests) == 2


def test_a_token_without_a_life_serves_those_who_waited(world: World) -> None:
    """Nothing below zero or without a number is believed; each batch of calls fetches its own."""

    def dead(unix_s: float) -> TokenFlow:
        answer = yield TokenRequest("GET", "https://tokens.test/t")
        return Token(FixedCredential(answer.body), float(answer.body))

    credential = TokenCredential(dead, world.ports)
    for number, life in enumerate((b"0", b"-5", b"nan"), 1):
        calls = asked(credential), asked(credential)
        assert len(world.requests) == number
        world.answer(life)
        assert [call.result() for call in calls] == [life] * 2


def test_a_failed_refresh_fails_those_who_wait(world: World, credential: TokenCredential) -> None:
    """Each with an error of its own; for a while others fail at once; then it is tried again."""
    calls = [asked(credential) for _ in range(3)]
    world.answer(status=503)
    errors = [error_of(call) for call in calls]
    assert len({id(error) for error in errors}) == 3
    assert {(error.kind, error.status, error.code) for error in errors} == {("network", 502, "upstream_unreachable")}
    assert "azure/key-1" in errors[0].message and "503" in errors[0].message
    world.now_s += REFRESH_PAUSE_S - 0.1
    assert error_of(asked(credential)).message == errors[0].message and len(world.requests) == 1
    world.now_s += 0.2
    again = asked(credential)
    assert len(world.requests) == 2
    world.answer(b"t1")
    assert again.result() == line(b"t1")


def test_a_failure_beside_a_good_token_is_none(
    world: World, credential: TokenCredential, capsys: pytest.CaptureFixture[str]
) -> None:
    """Calls go on with the token they have, the refresh is tried again later, and the log tells."""
    asked(credential)
    world.answer(b"t1")
    world.now_s += LIFE_S - REFRESH_EARLY_S
    for requests in (2, 3):
        assert run_path(credential.lines(REQUEST)) == line(b"t1")
        assert len(world.requests) == requests
        world.answer(status=500)
        assert run_path(credential.lines(REQUEST)) == line(b"t1") and len(world.requests) == requests
        world.now_s += REFRESH_PAUSE_S
    logged = capsys.readouterr().err
    assert logged.count("could not refresh a credential key=azure/key-1 held=True") == 2
    asked(credential)
    world.answer(b"t2")
    assert run_path(credential.lines(REQUEST)) == line(b"t2")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((status, "exhausted") for status in (302, 400, 401, 403, 404)),
        *((status, "network") for status in (408, 429, 500, 503)),
    ],
)
def test_what_an_answer_means(world: World, credential: TokenCredential, status: int, kind: str) -> None:
    """A source that refuses says that the key is no good; one that fails may do better later."""
    call = asked(credential)
    world.answer(b"secret words", status)
    error = error_of(call)
    assert error.kind == kind and "secret words" not in error.message
    assert (error.code == "upstream_credentials_exhausted") is (kind == "exhausted")


@pytest.mark.parametrize("kind", ["network", "protocol", "deadline", "cut"])
def test_a_source_that_is_not_reached(world: World, credential: TokenCredential, kind: str) -> None:
    """However its connection failed: it may do better later, and its words are passed on."""
    call = asked(credential)
    world.exchanges[-1].fail(UpstreamError("tokens.test:443 closed", kind=kind))
    assert error_of(call).kind == "network" and "tokens.test:443 closed" in error_of(call).message


def _no_token(unix_s: float) -> TokenFlow:
    yield TokenRequest("GET", "https://tokens.test/t")
    return None  # type: ignore[return-value]  # that is the point


def _no_life(unix_s: float) -> TokenFlow:
    yield TokenRequest("GET", "https://tokens.test/t")
    return Token(FixedCredential(b"x"), "soon")  # type: ignore[arg-type]  # that is the point


def _nonsense(unix_s: float) -> TokenFlow:
    answer = yield TokenRequest("GET", "https://tokens.test/t")
    raise ValueError(f"hidden: {answer.body!r}")


def _endless(unix_s: float) -> TokenFlow:
    while True:
        yield TokenRequest("GET", "https://tokens.test/t")


def _refusing(unix_s: float) -> TokenFlow:
    yield TokenRequest("GET", "https://tokens.test/t")
    raise UpstreamError("it says invalid_client", kind="exhausted")


def _broken_at_once(unix_s: float) -> TokenFlow:
    raise RuntimeError("hidden")
    yield


@pytest.mark.parametrize(
    ("broken", "kind", "said"),
    [
        (_no_token, "network", "AttributeError"),
        (_no_life, "network", "ValueError"),
        (_nonsense, "network", "ValueError"),
        (_endless, "network", f"more than {REQUESTS_MAX}"),
        (_refusing, "exhausted", "invalid_client"),
        (_broken_at_once, "network", "RuntimeError"),
    ],
)
def test_whatever_a_flow_does_the_calls_are_told(world: World, broken: Any, kind: str, said: str) -> None:
    """No fault of a provider's folder leaves a call waiting, or shows what it may have held."""
    credential = TokenCredential(broken, world.ports)
    call = asked(credential)
    while not call.done:
        world.answer(b"hidden")
    assert error_of(call).kind == kind and said in error_of(call).message and "hidden" not in error_of(call).message
    assert len(world.requests) <= REQUESTS_MAX and all(timer.cancelled for timer in world.timers)


def test_a_coded_answer_is_no_token(world: World, credential: TokenCredential) -> None:
    """Identity was asked for; what came is not shown as a token."""
    call = asked(credential)
    world.answer(b"\x1f\x8b", coding=b"gzip")
    assert error_of(call).kind == "network"


def test_a_refresh_has_a_deadline(world: World, credential: TokenCredential) -> None:
    """For all of its requests together; then the exchange is given up, and a late answer changes nothing."""
    call = asked(credential)
    assert world.timers[0].seconds == REFRESH_DEADLINE_S
    world.timers[0].ring()
    assert error_of(call).kind == "network" and "within 10 s" in error_of(call).message
    assert world.exchanges[0].over
    world.answer(b"late")
    world.now_s += REFRESH_PAUSE_S
    again = asked(credential)
    assert len(world.requests) == 2
    world.answer(b"t2")
    assert again.result() == line(b"t2")


def test_several_requests_and_credentials_that_sign(world: World) -> None:
    """A flow may ask more than once, and what it returns may sign each request with what it got."""

    def two_steps(unix_s: float) -> TokenFlow:
        first = yield TokenRequest("PUT", "https://tokens.test/session")
        second = yield TokenRequest("GET", "https://tokens.test/keys", (("x-session", first.body.decode()),))
        return Token(SignedCredential(lambda request: second.body + request.target), LIFE_S)

    credential = TokenCredential(two_steps, world.ports)
    call = asked(credential)
    world.answer(b"s1")
    assert world.requests[1].headers == (("x-session", "s1"),) and not call.done
    world.answer(b"k1")
    assert call.result() == b"k1/p"
    assert len(world.timers) == 1 and world.timers[0].cancelled


def test_a_flow_that_asks_nobody(world: World) -> None:
    """A token that is made here (a signed JWT) is there at once, and as good as any."""

    def local(unix_s: float) -> TokenFlow:
        return Token(FixedCredential(b"made"), LIFE_S)
        yield

    credential = TokenCredential(local, world.ports)
    assert run_path(credential.lines(REQUEST)) == b"made" == run_path(credential.lines(REQUEST))
    assert len(world.timers) == 1 and world.timers[0].cancelled


def test_a_refused_token_is_thrown_away(world: World, credential: TokenCredential) -> None:
    """It may have been revoked. A young one is kept: another would fare no better."""
    assert not credential.refused()
    asked(credential)
    world.answer(b"t1")
    world.now_s += REFUSED_AGE_S - 1
    assert not credential.refused()
    assert run_path(credential.lines(REQUEST)) == line(b"t1")
    world.now_s += 1
    assert credential.refused() and not credential.refused()
    call = asked(credential)
    assert len(world.requests) == 2
    world.answer(b"t2")
    assert call.result() == line(b"t2")


def test_whoever_is_told_may_ask_again(world: World, credential: TokenCredential) -> None:
    """A call that goes on with another attempt, in the stack of the failure, finds the credential settled."""
    seen: list[str] = []

    async def twice() -> bytes:
        for _ in range(2):
            try:
                return await credential.lines(REQUEST)
            except UpstreamError as error:
                seen.append(error.kind)
        return b""

    calls = [RunningPath(twice()) for _ in range(2)]
    world.answer(status=500)
    assert [call.result() for call in calls] == [b""] * 2
    assert seen == ["network"] * 4 and len(world.requests) == 1


def test_no_secret_prints(world: World, credential: TokenCredential) -> None:
    """Neither what is sent for a token, nor the token."""
    asked(credential)
    world.answer(b"t0p-secret")
    shown = f"{world.requests} {credential!r} {Token(FixedCredential(b't0p-secret'), 1.0)!r} {world.ports!r}"
    assert "hidden" not in shown and "t0p-secret" not in shown and "tokens.test" not in shown


def test_nobody_is_asked_while_a_credential_is_made() -> None:
    """What the compile step makes one with, to see whether it can be made."""
    ports = TokenPorts.of_nobody()
    TokenCredential(flow, ports)
    for ask in (ports.clock, ports.unix_time):
        with pytest.raises(RuntimeError, match="asks nobody"):
            ask()
