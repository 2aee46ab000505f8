"""The label of a model in metrics: only what is configured or known has a name there.

    named by the configuration (keys, aliases, fallbacks, rules), the price data or the provider's type    itself
    in the list that the provider last told                                                              itself
    a dated or otherwise longer name that the price data takes for one of those                          that one
    a tool, resource or prompt of an MCP server that its catalogue has now                               itself
    anything else                                                                                        "other"

Callers choose models' names: without this each name that they invent would be a series for good.
"""

from __future__ import annotations

from collections.abc import Mapping

from asbru.app.snapshot import Snapshot
from asbru.catalog import find_priced_model
from asbru.mcp.catalogue import Catalogue
from asbru.mcp.protocol.dialect import FREE, SERVER_PREFIX
from asbru.pipeline import Endpoint
from asbru.telemetry import OTHER


class ModelLabels:
    """See the module. `endpoints`: those built from the snapshot; `catalogue`: what MCP servers offer."""

    def __init__(
        self, snapshot: Snapshot, endpoints: Mapping[str, Endpoint], catalogue: Catalogue | None = None
    ) -> None:
        self._endpoints = endpoints
        self._catalogue = catalogue
        self._known = {
            facts.name: {
                *facts.known_models,
                *(name for key in facts.keys for name in key.aliases.values()),
                *(priced.id for priced in facts.prices if "*" not in priced.id),
            }
            for facts in snapshot.providers
        }
        self._prices = {
            facts.name: tuple(priced for priced in facts.prices if "*" not in priced.id)
            for facts in snapshot.providers
        }
        targets = [target for fallback in snapshot.fallbacks for target in (fallback.source, *fallback.targets)]
        targets += snapshot.models.values()
        for target in targets:
            provider, _, model = target.partition("/")
            self._know(provider, model)
        for rule in snapshot.routing_rules:
            for one in rule.targets:
                if one.model is not None:
                    for provider in self._known if one.provider is None else (one.provider,):
                        self._know(provider, one.model)

    def label(self, provider: str, model: str) -> str:
        """The label."""
        known = self._known.get(provider)
        if known is None:
            return model if self._is_tool(provider, model) else OTHER
        if model in known or model in (self._endpoints[provider].listed or ()):
            return model
        priced = find_priced_model(self._prices[provider], model)
        return OTHER if priced is None else priced.id

    def _is_tool(self, provider: str, model: str) -> bool:
        if self._catalogue is None or not provider.startswith(SERVER_PREFIX):
            return False
        server = self._catalogue.servers.get(provider.removeprefix(SERVER_PREFIX))
        return server is not None and (model in server.tools or model in FREE)

    def _know(self, provider: str, model: str) -> None:
        known = self._known.get(provider)
        if known is not None and model != "*":
            known.add(model)
