"""Regular expressions over texts that may be hostile, and over texts that are not whole yet."""

from asbru.guardrails.patterns.partial import PatternError, beginnings_of
from asbru.guardrails.patterns.pattern import Beginnings, Pattern, Utf8, compiled

__all__ = ["Beginnings", "Pattern", "PatternError", "Utf8", "beginnings_of", "compiled"]
