"""The kinds of objects of the management API that the snapshot is compiled from. The compile process reads them by
`stored_objects.STORED_KINDS`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.admin.kinds import Kind
from asbru.app.config.live import PRICED_NAME, PROVIDER_NAME, ProviderSettings, TokenPrices
from asbru.app.config.structs import model_of
from asbru.app.config.wording import FORMS
from asbru.app.snapshot import Fallback
from asbru.app.stored_objects import STORED_KINDS, rule_id
from asbru.guardrails import GuardrailRule
from asbru.mcp.servers import SERVER_NAME, ServerSettings
from asbru.mcp.servers.declared import TOOL_PATTERN
from asbru.mcp.servers.rule import McpRule
from asbru.objects import Reference
from asbru.routing.rules import RoutingRule


class Provider(ProviderSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider that may be called, with its name."""

    name: Annotated[str, Meta(pattern=PROVIDER_NAME, description="What callers write before the slash of a model.")]


class Price(TokenPrices, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What models cost that the price data does not know, or at a price of your own."""

    name: Annotated[
        str,
        Meta(pattern=PRICED_NAME, description="`provider/model`; `*` stands for any text, at the start or the end."),
    ]


class McpServer(ServerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An MCP server, with its name."""

    name: Annotated[str, Meta(pattern=SERVER_NAME, description="What the names of its tools begin with.")]


class McpGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named list of tools, with an address of its own."""

    name: Annotated[str, Meta(pattern=SERVER_NAME, description="What lists of keys name, and what follows /mcp/.")]
    tools: Annotated[
        tuple[Annotated[str, Meta(pattern=TOOL_PATTERN)], ...],
        Meta(max_length=1000, description="Patterns `server/tool`, with `*` for any text."),
    ] = ()


def _fallback_references(one: Fallback) -> tuple[Reference, ...]:
    return tuple(Reference("provider", target.partition("/")[0]) for target in (one.source, *one.targets))


def _rule_references(one: RoutingRule) -> tuple[Reference, ...]:
    named = [target.provider for target in one.targets if target.provider]
    named += [fallback.partition("/")[0] for fallback in one.fallbacks]
    owner = {"virtual_key": "key", "team": "team", "customer": "customer"}.get(one.scope)
    owners = (Reference(owner, one.owner),) if owner is not None else ()
    return (*owners, *(Reference("provider", name) for name in named))


def _guardrail_flaws(one: GuardrailRule) -> tuple[str, ...]:
    from asbru.pipeline.guarding import flaws_of  # loads what most gateways do not use

    return tuple(flaws_of(one))


_SECRETS = {kind.kind: kind.secret_fields for kind in STORED_KINDS}

COMPILED_KINDS = (
    Kind(
        "providers",
        "provider",
        Provider,
        "Providers and their keys.",
        "providers",
        secret_fields=_SECRETS["provider"],
        sent_to=("type", "base_url", "proxy", "tls"),
        compiled=True,
        forms=FORMS,
        asked=True,
        schema=lambda: model_of(Provider).model_json_schema(ref_template="#/components/schemas/{model}"),
    ),
    Kind("prices", "price", Price, "Prices of models, after the file's.", "prices", compiled=True, forms=FORMS),
    Kind(
        "fallbacks",
        "fallback",
        Fallback,
        "Other targets for a call that fails.",
        "fallbacks",
        id_of=lambda body: str(body.get("from", "")),
        references=_fallback_references,
        named_by=("provider",),
        compiled=True,
        forms=FORMS,
    ),
    Kind(
        "routing-rules",
        "routing_rule",
        RoutingRule,
        "Other targets for calls for which a condition holds.",
        "routing_rules",
        id_of=rule_id,
        references=_rule_references,
        named_by=("provider", "key", "team", "customer"),
        compiled=True,
        forms=FORMS,
    ),
    Kind(
        "mcp-servers",
        "mcp_server",
        McpServer,
        "MCP servers whose tools agents reach through Asbru.",
        "mcp.servers",
        secret_fields=_SECRETS["mcp_server"],
        sent_to=("url", "command", "args", "cwd", "openapi.base_url", "openapi.document", "openapi.file"),
        compiled=True,
        forms=FORMS,
        schema=lambda: model_of(McpServer).model_json_schema(ref_template="#/components/schemas/{model}"),
    ),
    Kind("mcp-groups", "mcp_group", McpGroup, "Named lists of tools.", "mcp.groups", compiled=True, forms=FORMS),
    Kind("mcp-rules", "mcp_rule", McpRule, "Rules on arguments of tools.", "mcp.rules", compiled=True, forms=FORMS),
    Kind(
        "guardrails",
        "guardrail",
        GuardrailRule,
        "Rules on what requests and replies contain.",
        "guardrails.rules",
        flaws=_guardrail_flaws,
        secret_fields=_SECRETS["guardrail"],
        sent_to=("checks.*.*.url", "checks.*.*.endpoint", "checks.*.*.region"),
        compiled=True,
        forms=FORMS,
        schema=lambda: model_of(GuardrailRule).model_json_schema(ref_template="#/components/schemas/{model}"),
    ),
)
