"""What holds for every test: examples have no time limit, for machines that are busy are not wrong."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("asbru", deadline=None)
settings.load_profile("asbru")
