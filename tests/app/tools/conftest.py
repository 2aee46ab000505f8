"""Coroutine tests run in a loop of their own."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest
from tests.fakes.coroutines import pytest_pyfunc_call

__all__ = ["pytest_pyfunc_call"]


@pytest.fixture(autouse=True, scope="module")
def collected_here() -> Iterator[None]:
    """A program that a busy machine did not let end in time is collected here, and not in whatever test comes next."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
