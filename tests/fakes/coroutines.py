"""Coroutine tests run in a loop of their own: that of the standard library, which applications mostly have."""

from __future__ import annotations

import asyncio
import inspect

import pytest

TEST_S = 180.0
"""No test lasts longer."""


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test."""
    test = pyfuncitem.obj
    if not inspect.iscoroutinefunction(test):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters}
    with asyncio.Runner() as runner:
        runner.run(_within(TEST_S, test(**arguments)))
    return True


async def _within(seconds: float, test: object) -> None:
    wrong: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: wrong.append(context))
    async with asyncio.timeout(seconds):
        await test  # pyright: ignore[reportGeneralTypeIssues] -- a coroutine
    assert not wrong, f"the loop was told of errors: {wrong}"
