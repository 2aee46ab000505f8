"""Writes docs/reference/configuration.md from the configuration's models.

python tools/settings_page.py          write the page
python tools/settings_page.py --check  exit 1 when the page is not what the models say
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from asbru.app.config import ConfigFile  # noqa: E402  # the path comes first

PAGE = ROOT / "docs" / "reference" / "configuration.md"

OPENING = """\
# Settings

Written by `tools/settings_page.py` from the models in `src/asbru/app/config`; change those. How to use it:
[Configuration](../guides/configuration.md). `asbru config schema` prints the same for editors.

Any value may be `env.NAME` or `file:PATH`. Unknown keys are errors. Numbers are numbers (`8080`, not `"8080"`), unless
they come from the environment or a file. `[]` stands for each entry of a list, `<name>` for a name of your choice.

Everything under `listen` and `control`, and `log.format`, is a boot setting: a change waits for a restart. All else is
live: a changed file is compiled and swapped whole, or refused whole.
"""


def page() -> str:
    """The whole page."""
    schema = ConfigFile.model_json_schema()
    lines = [OPENING]
    sections: list[tuple[str, str, dict[str, Any]]] = [("", "Top level", schema)]
    while sections:
        path, title, section = sections.pop(0)
        lines += [f"## {title}", ""]
        if path:
            lines += [section.get("description", ""), ""]
        lines += ["| setting | type | default | |", "|--|--|--|--|"]
        for name, entry in section["properties"].items():
            inner = (f"{path}.{name}").lstrip(".")
            words = entry["description"]
            lines.append(f"| `{inner}` | {_type(entry)} | {_default(entry, name, section)} | {words} |")
            below = _section(entry, schema)
            if below is not None:
                sections.append((inner + below[0], f"`{inner}{below[0]}`", below[1]))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _options(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives of an entry, without null."""
    return [option for option in entry.get("anyOf", [entry]) if option.get("type") != "null"]


def _section(entry: dict[str, Any], schema: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """The section an entry opens, with what stands for its names."""
    option = _options(entry)[0]
    for suffix, inner in (
        ("", option),
        ("[]", option.get("items", {})),
        (".<name>", _values(option)),
    ):
        reference = inner.get("$ref") if isinstance(inner, dict) else None
        if reference:
            return suffix, schema["$defs"][reference.rpartition("/")[2]]
    return None


def _values(option: dict[str, Any]) -> Any:
    """What a mapping's values are; pydantic files them under the pattern of their names."""
    patterns = list(option.get("patternProperties", {}).values())
    return patterns[0] if patterns else option.get("additionalProperties", {})


def _type(entry: dict[str, Any]) -> str:
    option = _options(entry)[0]
    if "enum" in option:
        return " or ".join(f"`{value}`" for value in option["enum"])
    if "const" in option:
        return f"`{option['const']}`"
    if "$ref" in option:
        return "section"
    kinds = {"string": "text", "integer": "whole number", "number": "number", "boolean": "`true` or `false`"}
    kinds["array"] = "lists"
    if option["type"] == "array":
        inner = option["items"]
        return "list of sections" if "$ref" in inner else f"list of {_type(inner)}"
    if option["type"] == "object":
        inner = _values(option)
        return "sections by name" if "$ref" in inner else f"{kinds[inner['type']]} by name"
    return kinds[option["type"]] + _bounds(option)


def _bounds(option: dict[str, Any]) -> str:
    low, high = option.get("minimum", option.get("exclusiveMinimum")), option.get("maximum")
    if low is None and high is None:
        return ""
    above = "above " if "exclusiveMinimum" in option else ""
    if high is None:
        return f", {above or 'from '}{low}"
    return f", {above}{low:g} to {high:g}" if max(abs(low), abs(high)) < 1e6 else f", {above}{low} to {high}"


def _default(entry: dict[str, Any], name: str, section: dict[str, Any]) -> str:
    if name in section.get("required", []):
        return "required"
    if "$ref" in _options(entry)[0]:
        return "" if entry.get("default", {}) is not None else "none"
    value = entry.get("default")
    if value is None:
        return "none"
    return f"`{json.dumps(value)}`" if value != "" else "empty"


def main(arguments: list[str]) -> int:
    """See the module."""
    if "--check" in arguments:
        return 0 if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
