"""Whether a text is JSON that a schema allows. The schema is a part of JSON Schema, listed in `validate.py`; a schema
with other words is refused, since it could not be enforced."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Judge

__all__ = ["CHECK"]


class SchemaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a text must be."""

    schema: Annotated[dict[str, Any], Meta(description="The schema; an empty one allows any JSON.")] = {}
    fenced: Annotated[
        bool, Meta(description="Whether the JSON may be in a code block, as models like to write it.")
    ] = True


def _make(settings: SchemaSettings, credential: str) -> Judge:
    del credential
    from asbru.guardrails.checks.json_schema.validate import SchemaJudge

    return SchemaJudge(settings.schema, fenced=settings.fenced)


CHECK = Check(
    name="json_schema",
    sentence="Texts that are not JSON of a schema.",
    settings=SchemaSettings,
    make=_make,
    spans=False,
)
