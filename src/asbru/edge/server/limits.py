"""The server's bounds that no configuration sets, each with its unit; those that one sets are `edge.limits`."""

from __future__ import annotations

BODY_RATE_BYTES_PER_S = 128 * 1024
"""A body may take its timeout plus one second for each so many bytes received: slow links pass, drips do not."""

UNKNOWN_SHARE = 8
"""Bodies of callers that are not known (yet) get this part of what all bodies may take."""

BODY_PIECES_BYTES_MAX = 256 * 1024
"""A body above this is gathered into one buffer while it comes; smaller ones are joined when they are whole."""

TURN_BYTES = 64 * 1024
"""A connection that brings so much in one read lets others have their turn before it is read on."""
PIPELINED_BYTES_MAX = 256 * 1024
"""Unserved pipelined requests of one connection, in bytes; above this it is not read."""

UPGRADES_PIPELINED_MAX = 8
"""Requests read in one piece that may each offer an upgrade (h2c) with more behind it: each costs a parser."""

LINGER_S = 2.0
"""How long a refused sender may go on sending before the connection is closed, so that it can read the refusal."""
