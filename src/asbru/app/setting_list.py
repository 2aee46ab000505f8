"""The single settings of the configuration, for the management API: numbers, switches and choices, by path.

Words, bounds and defaults are those of the models. Text of any form (addresses, files, secrets) is left out, and so are
lists and objects, which are kinds of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

import msgspec

from asbru.app.config import ConfigFile, ConfigPath

BOOT_SECTIONS = ("listen", "control")
BOOT_SETTINGS = ("log.format",)
_KINDS = ("boolean", "integer", "number")
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_ALIAS = "Another name of"
_UNITS = {
    "s": "seconds",
    "ms": "milliseconds",
    "bytes": "bytes",
    "tokens": "tokens",
    "days": "days",
    "usd": "US dollars",
    "rate": "share, 0 to 1",
}


def list_settings(
    config: ConfigFile, written: Collection[ConfigPath], stored: Collection[ConfigPath]
) -> Iterator[dict[str, Any]]:
    """Each setting. `written`: the paths in the file; `stored`: those of the management API."""
    schema = config.model_json_schema()
    for section, entry in schema["properties"].items():
        reference = _options(entry)[0].get("$ref")
        if reference is None:
            continue
        for name, member in schema["$defs"][reference.rpartition("/")[2]]["properties"].items():
            form = _form(member)
            if form is None or member.get("description", "").startswith(_ALIAS):
                continue
            path = (section, name)
            dotted = f"{section}.{name}"
            live = section not in BOOT_SECTIONS and dotted not in BOOT_SETTINGS
            yield {
                "path": dotted,
                "value": _value(config, path),
                "default": member.get("default"),
                "unit": unit_of(name),
                "words": member.get("description", ""),
                "source": "api" if path in stored else "file" if path in written else "default",
                "live": live,
                "form": form,
            }


def written_paths(data: object) -> frozenset[ConfigPath]:
    """The paths of the settings that a document has."""
    if not isinstance(data, dict):
        return frozenset()
    sections = cast("dict[str, object]", data).items()
    return frozenset(
        (section, name)
        for section, members in sections
        if isinstance(members, dict)
        for name in cast("dict[str, object]", members)
    )


def unit_of(name: str) -> str:
    """The unit that a name ends with; "" for none."""
    words = [word for word in name.split("_") if word not in ("max", "min")]
    return _UNITS.get(words[-1], "") if words else ""


def _value(config: ConfigFile, path: ConfigPath) -> Any:
    section, name = path
    holder: object = getattr(config, str(section))
    if isinstance(holder, msgspec.Struct):  # whose members may go by other names in the file
        encoded = {field.encode_name: field.name for field in msgspec.structs.fields(holder)}
        name = encoded.get(str(name), name)
    return msgspec.to_builtins(getattr(holder, str(name)))


def _form(member: Mapping[str, Any]) -> dict[str, Any] | None:
    """Its type, choices and bounds; None for what is no number, switch or choice."""
    options = _options(member)
    kind = options[0].get("type")
    choices = options[0].get("enum")
    if len(options) != 1 or (kind not in _KINDS and not choices):
        return None
    bounds = {name: options[0][name] for name in _BOUNDS if name in options[0]}
    return {"type": kind, **({"enum": choices} if choices else {}), **bounds}


def _options(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of an entry, without null."""
    alternatives = cast("list[dict[str, Any]]", entry.get("anyOf", [entry]))
    return [one for one in alternatives if one.get("type") != "null"] or [{}]
