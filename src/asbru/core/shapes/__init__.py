"""Canonical form of calls that are no chats, as values; a module for each kind.

A dialect's `Shape` reads and writes them (decision 0011). `extra` holds members that only the dialect named in
`dialect` knows. Not here: chat (`core.chat`, `core.reply`), and how any of it looks on the wire.
"""

from asbru.core.shapes import embedding, image, moderation, rerank, speech, transcription

__all__ = ["embedding", "image", "moderation", "rerank", "speech", "transcription"]
