"""Stubs: a tool as a Python function that a model can call without guessing.

    compact   def get_issue(*, owner: str, number: int, labels: list[str] = ...) -> GetIssueResult: ...  # Gets an issue
    in full   the same with the classes that its types name, and a docstring with all arguments

Pure and deterministic: the same definition gives the same bytes, since prompt caches and signatures bind them.
"""

from __future__ import annotations

import re
from typing import Final, TypeAlias

import msgspec

from asbru.mcp.code.names import identifiers
from asbru.mcp.code.types import TypeWriter
from asbru.mcp.loose import as_list, as_object, as_text

SUMMARY_CHARS_MAX: Final = 80
DOCUMENT_CHARS_MAX: Final = 8_000
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


class ToolStub(msgspec.Struct, frozen=True):
    """A tool as scripts see it. `arguments`: the tool's own name of each argument, by its identifier. `classes`: the
    TypedDicts of its types; `signature` names them."""

    server: str
    tool: str
    name: str
    signature: str
    summary: str
    description: str
    arguments: dict[str, str]
    argument_texts: dict[str, str]
    classes: tuple[str, ...]

    @property
    def compact(self) -> str:
        """One line, after the classes that it needs."""
        line = f"{self.signature}: ..." + (f"  # {self.summary}" if self.summary else "")
        return "\n".join((*self.classes, line))

    def full(self, server_name: str) -> str:
        """All that is known, with an example."""
        lines = [self.description[:DOCUMENT_CHARS_MAX] or "No description.", ""]
        if self.arguments:
            lines += [
                "Args:",
                *(f"    {one}: {self.argument_texts.get(one) or 'no description'}" for one in self.arguments),
                "",
            ]
        example = ", ".join(f"{one}=..." for one in list(self.arguments)[:3])
        lines += ["Example:", f"    result = {server_name}.{self.name}({example})"]
        text = "\n    ".join(lines).replace("\\", "\\\\").replace('"""', "'''")
        return "\n\n".join((*self.classes, f'{self.signature}:\n    """{text}\n    """'))


_Parameters: TypeAlias = "tuple[dict[str, str], dict[str, str], list[str], dict[str, str]]"


def stub_of(server: str, name: str, tool: str, definition: bytes) -> ToolStub:
    """The stub of a tool that scripts call `name`. One that cannot be understood takes anything."""
    try:
        facts = as_object(msgspec.json.decode(definition))
    except (msgspec.DecodeError, RecursionError):
        facts = {}
    prefix = "".join(part[:1].upper() + part[1:] for part in name.split("_") if part)
    arguments, texts, parameters, classes = _parameters(as_object(facts.get("inputSchema")), prefix)
    output = as_object(facts.get("outputSchema"))
    returns = "Any"
    if output:
        writer = TypeWriter(output, prefix)
        returns = writer.type_of(output, "result")
        classes = {**classes, **writer.classes}
    description = _CONTROLS.sub("", as_text(facts.get("description")) or as_text(facts.get("title"))).strip()
    signature = f"def {name}({'*, ' if arguments else ''}{', '.join(parameters)}) -> {returns}"
    return ToolStub(
        server, tool, name, signature, _summary(description), description, arguments, texts, tuple(classes.values())
    )


def _parameters(
    schema: dict[str, object], prefix: str
) -> tuple[dict[str, str], dict[str, str], list[str], dict[str, str]]:
    """The arguments by identifier, what is said of each, the parameters of the signature, and the classes."""
    properties = as_object(schema.get("properties"))
    if not properties:
        return {}, {}, [] if schema.get("type") == "object" else ["**arguments: Any"], {}
    needed = set(map(str, as_list(schema.get("required"))))
    writer = TypeWriter(schema, prefix)
    by_name = {name: one for one, name in identifiers(map(str, properties)).items()}
    # Those that are needed first, each group as the server has them.
    order = sorted(map(str, properties), key=lambda name: name not in needed)
    parameters: list[str] = []
    texts: dict[str, str] = {}
    for name in order:
        inner = properties[name]
        kind = writer.type_of(inner, name)
        parameters.append(f"{by_name[name]}: {kind}" + ("" if name in needed else " = ..."))
        words = as_text(as_object(inner).get("description")).split()
        texts[by_name[name]] = _CONTROLS.sub("", " ".join(words))
    return {by_name[name]: name for name in order}, texts, parameters, writer.classes


def _summary(description: str) -> str:
    """The first sentence, in one short line."""
    line = " ".join(description.split())
    sentence = line.partition(". ")[0].removesuffix(".")
    return sentence if len(sentence) <= SUMMARY_CHARS_MAX else sentence[: SUMMARY_CHARS_MAX - 3].rstrip() + "..."
