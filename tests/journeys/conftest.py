"""Journeys: real sockets, one loop per test that holds the gateway, the fake upstream and the caller.

Coroutine tests run here, under uvloop, with a deadline. A journey that makes the gateway print a traceback fails,
whatever it asserts.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator

import pytest
import uvloop

JOURNEY_S = 180.0
"""No journey lasts longer."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test in a loop of its own."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    names = inspect.signature(test).parameters
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_within(JOURNEY_S, test(**arguments)))
    return True


async def _within(seconds: float, test: object) -> None:
    wrong: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    async with asyncio.timeout(seconds):
        await test  # pyright: ignore[reportGeneralTypeIssues] -- a coroutine
    assert not wrong, f"the loop was told of errors: {wrong}"


@pytest.fixture(autouse=True)
def _no_traceback(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing the gateway does in a journey may end in a traceback."""
    yield
    said = capsys.readouterr().err
    assert "Traceback" not in said, said
    assert "a bug" not in said, said
