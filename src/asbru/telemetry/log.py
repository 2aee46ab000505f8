"""One line per event on stderr: time (UTC), level, event, then fields as `name=value`. Cheap, and never a secret.

`ASBRU_LOG_FORMAT=json` makes it one JSON object: `time`, `level`, `event`, then the fields, numbers as numbers. The
supervisor sets it for the whole family where `log.format` says so.

`ASBRU_LOG` (debug, info, warning, error; default info) is the least level that is written. Values are quoted when
they hold spaces, so a line can be split again; what looks like a credential is masked, as a last net only. Imports no
library: the supervisor, which must stay small, logs too.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import Literal

Level = Literal["debug", "info", "warning", "error"]

LEVEL_VARIABLE = "ASBRU_LOG"
FORMAT_VARIABLE = "ASBRU_LOG_FORMAT"
VALUE_CHARS_MAX = 2000
_RANKS = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_PLAIN = re.compile(r"[\w.:/@+\-*%,()]+", re.ASCII)
_SECRET = re.compile(r"\b(sk-|Bearer |gsk_|AIza)[\w.~+/=\-]{8,}")
_STEERING = {
    code: f"\\u{code:04x}"
    for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""What JSON leaves as it is, but a terminal obeys: controls beyond ASCII, and what turns the direction of text."""
_ESCAPES = (
    {code: f"\\u{code:04x}" for code in range(0x20)}
    | _STEERING
    | str.maketrans({"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"})
)
"""As in a JSON string."""


def log(level: Level, event: str, **fields: object) -> None:
    """Write the line at once; a closed stderr is no reason to stop. `event` is a few plain words."""
    if _RANKS[level] < _RANKS.get(os.environ.get(LEVEL_VARIABLE, "info"), 1):
        return
    write_line = format_json if os.environ.get(FORMAT_VARIABLE) == "json" else format_line
    line = write_line(level, event, fields, time.time())
    try:
        sys.stderr.write(line)
        sys.stderr.flush()
    except (OSError, ValueError):
        return


def format_line(level: Level, event: str, fields: dict[str, object], now_s: float) -> str:
    """The line, with its line feed. `now_s` is a Unix time."""
    words = "".join(f" {name}={_value(value)}" for name, value in fields.items())
    text = _SECRET.sub(r"\1***", f"{' '.join(event.split())}{words}")
    return f"{_stamp(now_s)} {level:<7} {text}\n"


def format_json(level: Level, event: str, fields: dict[str, object], now_s: float) -> str:
    """The line as a JSON object, with its line feed."""
    import json  # only where it is asked for

    line = {"time": _stamp(now_s), "level": level, "event": " ".join(event.split())}
    text = json.dumps({**{name: _json_value(value) for name, value in fields.items()}, **line}, ensure_ascii=False)
    text = text.translate(_STEERING)
    return _SECRET.sub(r"\1***", text).encode("utf-8", "replace").decode() + "\n"


def _stamp(now_s: float) -> str:
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_s))
    return f"{stamp}.{int(now_s * 1000) % 1000:03d}Z"


def _json_value(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    return str(value)[:VALUE_CHARS_MAX]


def _value(value: object) -> str:
    if isinstance(value, bool | int | float):
        return str(value)
    text = str(value)[:VALUE_CHARS_MAX]
    if _PLAIN.fullmatch(text):
        return text
    return f'"{text.encode("utf-8", "replace").decode().translate(_ESCAPES)}"'
