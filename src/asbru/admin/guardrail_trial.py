"""What guardrail rules would do: with a text, and operation by operation.

    POST /api/v1/guardrails/try       {"text", "place", "rule": {...} or null}: what is found, and the text redacted
    GET  /api/v1/guardrails/explain   for each rule, operation and stream mode: whether and how it is enforced
    GET  /api/v1/guardrails/checks    the checks there are, with the JSON schemas of their settings

`rule` is one that is not saved; null: those of the file and the stored ones. Nothing is sent, stored or counted; checks
that ask elsewhere are not run.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from msgspec import Meta

from asbru.admin import nouns
from asbru.admin.access import needs, reach_of
from asbru.admin.history import in_thread
from asbru.admin.kinds import conceal
from asbru.admin.objects import Objects
from asbru.core.errors import BadRequest
from asbru.guardrails import GuardrailRule, Place, ProofRow

TEXT_CHARS_MAX = 200_000

Word = Annotated[str, Query(max_length=256)]


class GuardrailText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text to try rules on."""

    text: Annotated[str, Meta(max_length=TEXT_CHARS_MAX)]
    place: Place = "input"
    rule: dict[str, Any] | None = None


class GuardrailFinding(msgspec.Struct, frozen=True):
    """What a rule found. `start` and `end`: characters of the text, as Unicode code points."""

    rule: str
    kind: str
    start: int
    end: int
    score: float


class GuardrailFindings(msgspec.Struct, frozen=True):
    """What would happen. `text`: as it would go on; `blocked_by`: the rule that would refuse it, "" for none;
    `not_run`: checks that ask elsewhere; `problems`: why a rule cannot be tried."""

    findings: tuple[GuardrailFinding, ...]
    text: str
    blocked_by: str
    not_run: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


class GuardrailProof(msgspec.Struct, frozen=True):
    """The table."""

    rows: tuple[ProofRow, ...]
    problems: tuple[str, ...] = ()


class GuardrailCheck(msgspec.Struct, frozen=True):
    """A check. `spans`: its findings can be redacted; `asks`: it asks elsewhere; `credential`: what it needs."""

    name: str
    sentence: str
    spans: bool
    asks: bool
    credential: str
    settings: dict[str, Any]


SHAPES = (GuardrailText, GuardrailFindings, GuardrailProof, GuardrailCheck)


class GuardrailTrial:
    """See the module."""

    def __init__(self, objects: Objects) -> None:
        self._rules = objects

    def build_router(self) -> APIRouter:
        """The routes."""
        noun = self._rules.kind.noun
        router = APIRouter(prefix=f"/{noun}", tags=[noun])
        reads = needs(f"{noun}:read")
        takes = {**reads, **nouns.takes(GuardrailText), **nouns.gives(GuardrailFindings)}

        @router.post("/try", summary="Try rules on a text", openapi_extra=takes)
        async def try_text(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
            """What the rules find in a text, with one that is not saved."""
            trial = nouns.read_struct(await nouns.read_body(request), GuardrailText)
            rules = self._all(request) if trial.rule is None else [self._read(trial.rule)]
            from asbru.admin import guardrail_outcomes  # with the path of a call: 4 MB, for those who try rules

            return nouns.answer(await in_thread(lambda: guardrail_outcomes.try_rules(trial, rules)))

        @router.get("/explain", summary="Where rules act", openapi_extra={**reads, **nouns.gives(GuardrailProof)})
        async def explain(request: Request, rule: Word = "", surface: Word = "") -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
            """Whether and how each rule is enforced; `rule`, `surface` narrow the table."""
            rules = self._all(request)
            from asbru.admin import guardrail_outcomes  # likewise

            return nouns.answer(await in_thread(lambda: guardrail_outcomes.explain(rules, rule, surface)))

        @router.get(
            "/checks",
            summary="The checks there are",
            openapi_extra={**reads, **nouns.gives(GuardrailCheck, paged=True)},
        )
        async def list_checks() -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
            """With the JSON schemas of their settings."""
            from asbru.admin import guardrail_outcomes  # likewise

            return nouns.answer({"items": await in_thread(guardrail_outcomes.list_checks), "next": None})

        return router

    def _all(self, request: Request) -> list[GuardrailRule]:
        reach_of(request)
        return [one for one in self._rules.read_all().values() if isinstance(one, GuardrailRule) and one.enabled]

    def _read(self, body: dict[str, Any]) -> GuardrailRule:
        """An unsaved rule; one that makes no sense is told of in the answer."""
        try:
            rule = msgspec.convert({"name": "unsaved", **body}, GuardrailRule, dec_hook=conceal)
        except msgspec.ValidationError as error:
            raise BadRequest(str(error), status=422) from None
        return msgspec.structs.replace(rule, enabled=True)
