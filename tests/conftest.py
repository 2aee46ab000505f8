"""What holds for every test: examples have no time limit, for machines that are busy are not wrong; the asserts of the
shared suites tell what they saw, as those of tests do."""

from __future__ import annotations

import pytest
from hypothesis import settings

pytest.register_assert_rewrite("tests.kits.own_checks", "tests.kits.matrix", "tests.kits.facts", "tests.kits.hostile")

settings.register_profile("asbru", deadline=None)
settings.load_profile("asbru")
