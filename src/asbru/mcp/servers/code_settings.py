"""The section `mcp.code`: what scripts of code mode may use, and how their tools are written down for models.

Not here: which servers are in code mode (`ServerSettings.code_mode`), and what runs scripts (`mcp.code`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class CodeModeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the module."""

    files: Annotated[
        Literal["auto", "server", "tool"],
        Meta(
            description="What a file of tool signatures contains: all tools of a `server`, or one `tool`. `auto`: one "
            "tool for servers with more than 24, all tools for others."
        ),
    ] = "auto"
    processes: Annotated[
        int,
        Meta(
            ge=1,
            le=256,
            description="Scripts that run at the same time, in each worker; others wait for up to 10 seconds. Read "
            "when the worker starts.",
        ),
    ] = 8
    time_s: Annotated[
        float, Meta(gt=0, le=3600, description="Computing time of a script, without the time of its calls, seconds.")
    ] = 30.0
    call_s: Annotated[
        float, Meta(gt=0, le=3600, description="Longest time of one tool call of a script, seconds.")
    ] = 30.0
    total_s: Annotated[
        float, Meta(gt=0, le=86400, description="Longest time of a script with its calls, seconds.")
    ] = 300.0
    approval_s: Annotated[
        float, Meta(gt=0, le=86400, description="How long a script waits for the approval of a call, seconds.")
    ] = 300.0
    calls_max: Annotated[int, Meta(ge=1, le=10_000, description="Tool calls of a script.")] = 100
    parallel_max: Annotated[int, Meta(ge=1, le=256, description="Tool calls of a script at the same time.")] = 16
    memory_bytes: Annotated[
        int, Meta(ge=1 << 20, le=1 << 34, description="Memory of the values of a script, bytes.")
    ] = 128 * 1024 * 1024
    depth_max: Annotated[
        int, Meta(ge=10, le=1000, description="How deep the functions of a script may call each other.")
    ] = 200
    code_bytes_max: Annotated[int, Meta(ge=1024, le=1 << 24, description="Size of a script, characters.")] = (
        128 * 1024
    )
    printed_bytes_max: Annotated[
        int, Meta(ge=1024, le=1 << 24, description="What a script may print, characters.")
    ] = 64 * 1024
    result_bytes_max: Annotated[int, Meta(ge=1024, le=1 << 24, description="Size of `result`, bytes.")] = 256 * 1024
