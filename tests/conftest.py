"""What holds for every test: examples have no time limit, for machines that are busy are not wrong; the asserts of the
shared suites tell what they saw, as those of tests do."""

from __future__ import annotations

import gc
from collections.abc import Generator

import pytest
from hypothesis import settings

pytest.register_assert_rewrite(
    "tests.kits.own_checks", "tests.kits.matrix", "tests.kits.facts", "tests.kits.hostile", "tests.kits.wire_streams"
)

settings.register_profile("asbru", deadline=None)
settings.load_profile("asbru")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected lives until the end: the garbage collector need not look through it, neither while it grows
    nor, again and again, while the tests run (a third of the collection, an eighth of the run)."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()
