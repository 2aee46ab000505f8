"""Makes the asserts of the suite's modules tell what they saw, as those of tests do."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.kits.own_checks", "tests.kits.matrix", "tests.kits.facts", "tests.kits.hostile")
