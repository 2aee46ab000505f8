"""POST /api/v1/routing-rules/try: where a call would go by the rules, with one that is not saved.

    {"rule": {...} or null, "record_id": "req_..."}                         a call that was made
    {"rule": {...} or null, "request": {"model", "headers", "key", ...}}    a call that is described

The rules are those of the file and the stored ones; `rule` stands in place of the one of its id, or beside them. What
is wrong with it comes back as `problems`, with line and column. Nothing is sent, stored or counted. A model's name
without a provider means the first provider that is known to have it, and a record holds no headers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta

from asbru.admin import nouns
from asbru.admin.access import actor_of, needs, reach_of
from asbru.admin.act import refuse
from asbru.admin.history import in_thread
from asbru.admin.objects import Objects
from asbru.admin.observed import Observed
from asbru.admin.reach import Reach
from asbru.admin.standing import OwnerKind, Standing
from asbru.core.errors import BadRequest, NotFound
from asbru.dialects import discover
from asbru.governance.declared import Access, Team
from asbru.records import query
from asbru.routing.rules import Applied, Asked, RoutingRule, Rules, check_rule
from asbru.wire.forwarded import TAG_PREFIX

_Text = Annotated[str, Meta(max_length=512)]
_Texts = Annotated[dict[_Text, _Text], Meta(max_length=100)]


class DescribedCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call. `model` as a caller writes it; `key`: the name of a virtual key, "" for none; `params`: of the query;
    `request_type`: the operation, such as `chat` or `embeddings`."""

    model: _Text
    headers: _Texts = {}
    params: _Texts = {}
    surface: _Text = "openai"
    request_type: _Text = "chat"
    key: _Text = ""


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is tried: by a record, or by a call that is described."""

    rule: dict[str, Any] | None = None
    record_id: _Text | None = None
    request: DescribedCall | None = None


class TrialTarget(msgspec.Struct, frozen=True):
    """A target that may be drawn. `provider` "": whoever has the model. `weight`: its share, 0 to 1."""

    provider: str
    model: str
    key: str
    weight: float


class TrialProblem(msgspec.Struct, frozen=True):
    """What is wrong, or not known. `field`: of the rule, "" for none; `line` and `column` of a condition, from 1."""

    message: str
    field: str = ""
    line: int | None = None
    column: int | None = None


class TrialResult(msgspec.Struct, frozen=True):
    """`matched`: the rules that decided, in order; `route`: what happened, in words; `targets`: of the last of them, or
    what the model's name means; `fallbacks`: its own."""

    matched: tuple[str, ...]
    route: str
    targets: tuple[TrialTarget, ...]
    fallbacks: tuple[str, ...]
    problems: tuple[TrialProblem, ...]


SHAPES = (Trial, TrialResult)


class _Owners(NamedTuple):
    virtual_key: str = ""
    team: str = ""
    customer: str = ""


class RuleTrial:
    """See the module. `objects`: by kind; `url`: the database of the records."""

    def __init__(self, objects: Mapping[str, Objects], observed: Observed, standing: Standing, url: str) -> None:
        self._objects = objects
        self._rules = objects["routing_rule"]
        self._observed = observed
        self._standing = standing
        self._url = url

    @cached_property
    def _operations(self) -> dict[tuple[str, str], str]:
        """Names of operations by surface, found at the first trial of a record: the dialects take 4 MB."""
        return {
            (dialect.surface.name, operation.surface): operation.name
            for dialect in discover().values()
            for operation in dialect.operations
        }

    def build_router(self) -> APIRouter:
        """The route."""
        noun = self._rules.kind.noun
        router = APIRouter(tags=[noun])
        described = {**needs(f"{noun}:read"), **nouns.takes(Trial), **nouns.gives(TrialResult)}

        @router.post(f"/{noun}/try", summary="Try the rules", openapi_extra=described)
        async def try_rules(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
            """Where a call would go by the rules, with one that is not saved."""
            trial = nouns.read_struct(await nouns.read_body(request), Trial)
            return nouns.answer(await self._try(request, trial))

        return router

    async def _try(self, request: Request, trial: Trial) -> TrialResult:
        reach = reach_of(request)
        if (trial.record_id is None) == (trial.request is None):
            raise BadRequest("expected either `record_id` or `request`", status=422)
        call, problems = trial.request, list[TrialProblem]()
        if trial.record_id is not None:
            refuse(actor_of(request), "records:read")
            call = await self._recorded(trial.record_id, reach)
        assert call is not None
        rules = {
            name: one
            for name, one in self._rules.read_all().items()
            if isinstance(one, RoutingRule)
            and reach.sees(self._rules.kind.kind, name, {"scope": one.scope, "owner": one.owner})
        }
        if trial.rule is not None:
            rule = self._rules.kind.read(trial.rule)
            assert isinstance(rule, RoutingRule)
            problems += await in_thread(lambda: _flaws(rule))
            problems += self._problems_of(rule)
            tried = self._rules.kind.id_of(trial.rule)
            rules = [one for name, one in rules.items() if name != tried] + ([] if problems else [rule])
        else:
            rules = list(rules.values())
        compiled = await in_thread(lambda: _compile(rules))
        if call.key:
            refuse(actor_of(request), "keys:read")
        asked = await self._asked(call, compiled, reach)
        if trial.record_id is not None and "headers" in compiled.names:
            problems.append(TrialProblem("a record holds no headers; conditions that read some do not hold here"))
        return await in_thread(lambda: _decide(compiled, asked, problems))

    async def _recorded(self, record_id: str, reach: Reach) -> DescribedCall:
        found = await in_thread(lambda: query.by_id(self._url, record_id))
        if found is None or not query.Wanted(within=reach.column()).fits(found):
            raise NotFound(f"there is no record '{record_id}'")
        surface, _, operation = str(found["surface"]).partition(".")
        tags: dict[str, str] = msgspec.json.decode(str(found["tags"])) if found["tags"] else {}
        headers = {TAG_PREFIX.decode() + name: value for name, value in tags.items()}
        operations = await in_thread(lambda: self._operations)
        return DescribedCall(
            model=str(found["model_asked"]),
            headers=headers,
            surface=surface,
            request_type=operations.get((surface, operation), operation),
            key=str(found["caller"]),
        )

    async def _asked(self, call: DescribedCall, rules: Rules, reach: Reach) -> Asked:
        provider, model = self._meant(call)
        access, owners = self._owners(call.key, reach)
        headers = {name.lower(): value for name, value in call.headers.items()}
        prefix = TAG_PREFIX.decode()
        tags = {name.removeprefix(prefix): value for name, value in headers.items() if name.startswith(prefix)}
        tags |= {} if access is None else access.tags
        given = {"headers": headers, "params": call.params, "tags": tags}
        values: dict[str, object] = {
            one: {name: given[one][name] for name in names if name in given[one]}
            for one, names in rules.names.items()
        }
        for name, value in owners._asdict().items():
            values[f"{name}_id"] = values[f"{name}_name"] = value
        if rules.reads & {"budget_used", "tokens_used", "request"}:
            kinds: tuple[OwnerKind, ...] = ("key", "team", "customer")
            used = await self._standing.used(
                ((kind, name) for kind, name in zip(kinds, owners, strict=True) if name), reach
            )
            values |= {"budget_used": used.budget_used, "tokens_used": used.tokens_used, "request": used.requests}
        values |= {"request_type": call.request_type, "surface": call.surface}
        return Asked(provider, model, *owners, {name: one for name, one in values.items() if name in rules.reads})

    def _owners(self, key: str, reach: Reach) -> tuple[Access | None, _Owners]:
        if not key:
            return None, _Owners()
        try:
            access = self._objects["key"].read(key, reach)
        except NotFound:
            return None, _Owners(key)  # of a record, whose key may be gone
        assert isinstance(access, Access)
        customer = access.customer or ""
        if access.team:
            try:
                team = self._objects["team"].read(access.team)
            except NotFound:
                team = None
            customer = team.customer or "" if isinstance(team, Team) else ""
        return access, _Owners(key, access.team or "", customer)

    def _meant(self, call: DescribedCall) -> tuple[str, str]:
        """The provider and model that a name means, as far as is known here."""
        providers = self._observed.providers()
        for one in providers:
            if call.model in one.aliases:
                return one.name, one.aliases[call.model]
        provider, slash, model = call.model.partition("/")
        if slash and any(one.name == provider for one in providers):
            return provider, model
        having = [one.name for one in providers if call.model in one.configured or call.model in one.known]
        return next((name for name in having if name == call.surface), having[0] if having else ""), call.model

    def _problems_of(self, rule: RoutingRule) -> Iterator[TrialProblem]:
        if (rule.scope == "global") != (not rule.owner):
            yield TrialProblem(
                "a rule of a virtual_key, team or customer names its `owner`, a global one none", "owner"
            )
        for place, target in enumerate(rule.targets):
            if target.provider is not None and not self._objects["provider"].exists(target.provider):
                yield TrialProblem(f"there is no provider '{target.provider}'", f"to.{place}.provider")


def _flaws(rule: RoutingRule) -> list[TrialProblem]:
    """What is wrong with the condition. Conditions may be long: not on the loop, as `_compile`."""
    return [TrialProblem(one.message, "when", one.line, one.column) for one in check_rule(rule.when)]


def _compile(rules: Sequence[object]) -> Rules:
    """A stored one that an older Asbru took is passed over, as when the snapshot is compiled."""
    return Rules([one for one in rules if isinstance(one, RoutingRule) and not check_rule(one.when)])


def _decide(rules: Rules, asked: Asked, problems: Sequence[TrialProblem]) -> TrialResult:
    trail: list[str] = []
    applied: list[Applied] = []
    rules.decide(asked, 0.0, trail, applied)
    targets = (TrialTarget(asked.provider, asked.model, "", 1.0),)
    if applied:
        last = applied[-1]
        whole = sum(one.weight for one in last.rule.targets)
        targets = tuple(
            TrialTarget(
                one.provider or last.provider, one.model or last.model, one.key or "", round(one.weight / whole, 6)
            )
            for one in last.rule.targets
        )
    return TrialResult(
        matched=tuple(one.rule.name for one in applied),
        route="; ".join(trail),
        targets=targets,
        fallbacks=applied[-1].rule.fallbacks if applied else (),
        problems=tuple(problems),
    )
