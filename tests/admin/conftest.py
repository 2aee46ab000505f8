"""A management API for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.management import Managed, managed


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API over an empty database."""
    with managed(tmp_path) as one:
        yield one
