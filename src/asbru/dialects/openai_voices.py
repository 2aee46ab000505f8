"""The names of OpenAI's voices, which its clients send to every provider. Providers that have other voices put one of
their own in the place of these.

Source: https://platform.openai.com/docs/guides/text-to-speech
"""

from __future__ import annotations

from typing import Final

OPENAI_VOICES: Final = frozenset((
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer", "verse",
))  # fmt: skip
