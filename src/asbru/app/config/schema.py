"""The JSON schema of the configuration file, for editors: what the reader takes, references included.

The models' own schema knows types and bounds; here a value that is bounded or no text may be a reference as well.
"""

from __future__ import annotations

from typing import Any, cast

from asbru.app.config import ConfigFile
from asbru.app.config.references import REFERENCE

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = frozenset(("integer", "number", "boolean"))


def json_schema() -> dict[str, Any]:
    """The schema of `ConfigFile`; `$schema` may name it from a file."""
    schema = ConfigFile.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        for name, entry in section.get("properties", {}).items():
            section["properties"][name] = _with_reference(entry, is_setting=True)
    own = {
        "$schema": {
            "type": "string",
            "description": "Location of the JSON schema, for editors; Asbru does not read it.",
        }
    }
    return {"$schema": _DRAFT, **schema, "properties": own | schema["properties"]}


def _with_reference(entry: dict[str, Any], *, is_setting: bool) -> dict[str, Any]:
    """`entry`, satisfied by a reference too where the reader resolves one: numbers and switches as settings of their
    own, text also in lists and mappings."""
    for inner in ("items", "additionalProperties"):
        if isinstance(entry.get(inner), dict):
            entry = {**entry, inner: _with_reference(entry[inner], is_setting=False)}
    if "patternProperties" in entry:
        named = cast("dict[str, Any]", entry["patternProperties"]).items()
        entry = {**entry, "patternProperties": {name: _with_reference(one, is_setting=False) for name, one in named}}
    options: list[dict[str, Any]] = entry.get("anyOf", [entry])
    if not any(_needs_reference(option, is_setting=is_setting) for option in options):
        return entry
    told = {name: entry[name] for name in ("default", "description", "title") if name in entry}
    bare = [{name: value for name, value in option.items() if name not in told} for option in options]
    return {"anyOf": [*bare, {"type": "string", "pattern": REFERENCE}], **told}


def _needs_reference(option: dict[str, Any], *, is_setting: bool) -> bool:
    """Whether a reference would not satisfy `option`, and the reader takes one."""
    if option.get("type") in _SCALARS:
        return is_setting and "const" not in option
    return option.get("type") == "string" and bool(
        option.keys() & {"pattern", "enum", "const", "maxLength", "format"}
    )
