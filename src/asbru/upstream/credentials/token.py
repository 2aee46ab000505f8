"""A credential that expires and is fetched anew: once for all calls that wait for it, and before it is too late.

How a token is fetched is a flow: a generator that yields requests, is sent their answers, and returns the token. It
does no I/O itself, so a test of one is a table. What `lines` does:

    held token     refresh under way    last one failed     lines
    good           -                    -                   the token's
    good, but due  no                   no, or long ago     the token's; a refresh begins, for which nobody waits
    good, but due  yes, or              just now            the token's
    none, or old   no                   no, or long ago     waits for the refresh that it begins
    none, or old   yes                  -                   waits for that one
    none, or old   no                   just now            fails as that one did

A token is due REFRESH_EARLY_S before its end, and old EXPIRY_SLACK_S before it: a request takes a while to arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from typing import NoReturn, Protocol, TypeAlias

import msgspec

from asbru.core.errors import UpstreamError
from asbru.core.future import Future
from asbru.telemetry import log
from asbru.upstream.credentials.credential import Credential, OutgoingRequest
from asbru.upstream.exchange import Exchange, UpstreamResponse

REFRESH_EARLY_S = 300.0
"""Or half of a token's life, if that is less."""
EXPIRY_SLACK_S = 10.0
"""Or a tenth of it."""
REFRESH_DEADLINE_S = 10.0
"""For all the requests of one refresh together."""
REFRESH_PAUSE_S = 5.0
"""After a failure: whoever is in need of a token meanwhile fails at once."""
REFUSED_AGE_S = 60.0
"""A token younger than this is not thrown away because a provider refused it: another would fare no better, and a key
that is wrong must not become a storm of refreshes."""
REQUESTS_MAX = 8
"""Of one refresh."""


class Token(msgspec.Struct, frozen=True):
    """What a flow returns: how to show the token (a `FixedCredential` for a bearer token, a `SignedCredential` for keys
    that sign), and for how many seconds from now it is accepted."""

    credential: Credential
    valid_for_s: float


class TokenRequest(msgspec.Struct, frozen=True):
    """A request of a flow. `url` is http(s); a body has its content type among the `headers`. `local`: it goes to the
    machine's own source of credentials (metadata service, container endpoint), and so to addresses that are never
    dialled for anything else, and through no proxy."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    local: bool = False

    def __repr__(self) -> str:
        return f"TokenRequest({self.method!r}, ...)"  # all of the rest may hold a secret


TokenFlow: TypeAlias = Generator[TokenRequest, UpstreamResponse, Token]
"""It sees only answers with a 2xx, whole and not coded; it raises `UpstreamError`, or ValueError for nonsense."""


class Timer(Protocol):
    """What `TokenPorts.call_later` returns."""

    def cancel(self) -> None:
        """Not to be called any more."""
        ...


class TokenPorts(msgspec.Struct, frozen=True):
    """What fetching tokens asks of the world. `name` stands for the key in messages; `clock` is monotonic."""

    name: str
    send: Callable[[TokenRequest], Exchange]
    clock: Callable[[], float]
    unix_time: Callable[[], float]
    call_later: Callable[[float, Callable[[], object]], Timer]

    @classmethod
    def of_nobody(cls) -> TokenPorts:
        """For a credential that is made to see whether it can be: nothing may be asked yet."""
        return cls("", _ask_nobody, _ask_nobody, _ask_nobody, _ask_nobody)


def _ask_nobody(*asked: object) -> NoReturn:
    del asked
    raise RuntimeError("a credential asks nobody while it is made")


class TokenCredential:
    """See the module. `flow` is begun anew for each refresh, with the Unix time."""

    __slots__ = (
        "_due_s",
        "_failure",
        "_flow",
        "_got_s",
        "_old_s",
        "_ports",
        "_refresh",
        "_token",
        "_waiting",
    )

    fixed = None

    def __init__(self, flow: Callable[[float], TokenFlow], ports: TokenPorts) -> None:
        self._flow = flow
        self._ports = ports
        self._token: Credential | None = None
        self._got_s = 0.0
        self._due_s = 0.0  # when a refresh may begin: a time before the token's end, or after a failure
        self._old_s = 0.0
        self._refresh: _Refresh | None = None
        self._waiting: list[Future[Credential]] = []
        self._failure: UpstreamError | None = None

    async def lines(self, request: OutgoingRequest) -> bytes:
        """See `Credential`."""
        now_s = self._ports.clock()
        token = self._token
        if token is None or now_s >= self._old_s:
            token = await self._refreshed(now_s)
        elif now_s >= self._due_s and self._refresh is None:
            self._begin()
        return await token.lines(request)

    def refused(self) -> bool:
        """See `Credential`: it may have been revoked, so the next call fetches another."""
        if self._token is None or self._ports.clock() - self._got_s < REFUSED_AGE_S:
            return False
        self._token = None
        self._due_s = 0.0
        return True

    def shown(self) -> bytes:
        """See `Credential`."""
        return b"" if self._token is None else self._token.shown()

    def _refreshed(self, now_s: float) -> Future[Credential]:
        """The next token."""
        waiting: Future[Credential] = Future()
        if self._refresh is None and self._failure is not None and now_s < self._due_s:
            waiting.fail(_again(self._failure, self._ports.name))
            return waiting
        self._waiting.append(waiting)
        if self._refresh is None:
            self._begin()
        return waiting

    def _begin(self) -> None:
        self._refresh = _Refresh(_fetch(self._flow, self._ports), self._end)
        self._refresh.begin(self._ports)

    def _end(self, fetched: Token | UpstreamError) -> None:
        """A refresh has ended: settle first, then tell, for whoever is resumed may ask for lines again."""
        now_s = self._ports.clock()
        self._refresh = None
        waiting, self._waiting = self._waiting, []
        if isinstance(fetched, UpstreamError):
            fetched.let_go()
            self._failure = fetched
            self._due_s = now_s + REFRESH_PAUSE_S
            holds = self._token is not None and now_s < self._old_s
            log("warning", "could not refresh a credential", key=self._ports.name, held=holds, why=fetched.message)
            for one in waiting:
                one.fail(_again(fetched, self._ports.name))
            return
        life_s = fetched.valid_for_s
        self._failure = None
        self._token = fetched.credential
        self._got_s = now_s
        self._due_s = now_s + life_s - min(REFRESH_EARLY_S, life_s / 2)
        self._old_s = now_s + life_s - min(EXPIRY_SLACK_S, life_s / 10)
        for one in waiting:
            one.resolve(fetched.credential)


class _Refresh:
    """One run of a flow, stepped by the answers to its requests; `on_end` is called once."""

    __slots__ = ("_on_end", "_timer", "_work")

    def __init__(
        self, work: Coroutine[Future[UpstreamResponse], None, Token], on_end: Callable[[Token | UpstreamError], None]
    ) -> None:
        self._work = work
        self._on_end = on_end
        self._timer: Timer | None = None

    def begin(self, ports: TokenPorts) -> None:
        """Run until the first answer is waited for."""
        self._timer = ports.call_later(REFRESH_DEADLINE_S, self._expire)
        self._step()

    def _step(self) -> None:
        try:
            answer = self._work.send(None)
        except StopIteration as end:
            self._finish(end.value)
        except UpstreamError as error:
            self._finish(error)
        except Exception as error:  # noqa: BLE001 -- the calls that wait are told; its words may hold the secret
            self._finish(
                UpstreamError(f"its source returned an invalid token ({type(error).__name__})", kind="network")
            )
        else:
            answer.waiter = self._step

    def _expire(self) -> None:
        self._timer = None
        self._work.close()
        self._finish(UpstreamError(f"its source did not respond within {REFRESH_DEADLINE_S:g} s", kind="network"))

    def _finish(self, fetched: Token | UpstreamError) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._on_end(fetched)


async def _fetch(begin: Callable[[float], TokenFlow], ports: TokenPorts) -> Token:
    """Run a flow to its token."""
    flow = begin(ports.unix_time())
    exchange: Exchange | None = None
    try:
        request = next(flow)
        for _ in range(REQUESTS_MAX):
            exchange = ports.send(request)
            request = flow.send(_accepted(await exchange))
    except StopIteration as end:
        token: Token = end.value
        life_s = float(token.valid_for_s)  # some sources write a number as text
        return Token(token.credential, life_s if life_s > 0 else 0.0)
    finally:
        flow.close()
        if exchange is not None:
            exchange.abort()
    raise UpstreamError(f"its source requires more than {REQUESTS_MAX} requests", kind="network")


def _accepted(response: UpstreamResponse) -> UpstreamResponse:
    status = response.status
    if 200 <= status < 300:
        if response.content_encoding in (b"", b"identity"):
            return response
        raise UpstreamError("its source used a content encoding that was not requested", kind="network")
    passing = status in (408, 429) or status >= 500
    raise UpstreamError(f"its source returned status {status}", kind="network" if passing else "exhausted")


def _again(failure: UpstreamError, name: str) -> UpstreamError:
    """An error for one of those who wait: each is raised in a path of its own."""
    is_no_good = failure.kind == "exhausted"
    return UpstreamError(
        f"the credential for {name} could not be fetched: {failure.message}",
        kind="exhausted" if is_no_good else "network",
        code="upstream_credentials_exhausted" if is_no_good else "upstream_unreachable",
    )
