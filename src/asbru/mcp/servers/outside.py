"""Requests of a server with sessions that come outside of the stream of a call, as the tools process and the workers
tell each other of them (MessagePack). Nothing in such a request says which call it belongs to.

    subject "mcp.worker"          an incarnation, told by workers     a worker is here
    subject "mcp.outside"         OutsideAsked, to all workers        which calls are under way in a session?
    subject "mcp.outside_told"    OutsideTold, told by each worker    these
    subject "mcp.outside_given"   OutsideGiven, to all workers        the request, for the one that is meant
    subject "mcp.outside_logged"  OutsideLogged, to all workers       a log message in the session of a user

What comes in the session of a user, of a server that is `per_user`, is for that user.
"""

from __future__ import annotations

from typing import Final

import msgspec

WORKER_SUBJECT: Final = "mcp.worker"
ASKED_SUBJECT: Final = "mcp.outside"
TOLD_SUBJECT: Final = "mcp.outside_told"
GIVEN_SUBJECT: Final = "mcp.outside_given"
LOGGED_SUBJECT: Final = "mcp.outside_logged"
OUTSIDE_SUBJECTS: Final = (WORKER_SUBJECT, ASKED_SUBJECT, TOLD_SUBJECT, GIVEN_SUBJECT, LOGGED_SUBJECT)


class OutsideAsked(msgspec.Struct, frozen=True, array_like=True):
    """`session`: as the server knows it; `user`: whose it is, "" for all callers; `asks`: what a user's client has to
    be capable of."""

    number: int
    server: str
    session: str
    user: str = ""
    asks: str = ""


class OutsideTold(msgspec.Struct, frozen=True, array_like=True):
    """`calls`: the ids of at most two calls: of more it does not matter which; those of a user can be asked. `left`: a
    call was given up a moment ago, which the server may still be busy with. `streams`: of the user, at most one."""

    number: int
    worker: str
    calls: tuple[bytes, ...] = ()
    left: bool = False
    streams: tuple[bytes, ...] = ()


class OutsideGiven(msgspec.Struct, frozen=True, array_like=True):
    """`call`: of a call or a stream; `message`: the server's request, as it came."""

    worker: str
    call: bytes
    message: bytes
    server: str = ""


class OutsideLogged(msgspec.Struct, frozen=True, array_like=True):
    """`message`: the server's notification, as it came."""

    server: str
    user: str
    message: bytes
