"""What is known of models, for the list that callers ask for: looked up once for each name and snapshot.

A name is compared with the patterns of the price data, of which a provider may have a thousand: many names at once are
for a thread (`work`). Not here: which names a caller may see.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asbru.catalog.listing import ListedModel, ListedProvider, describe

FACTS_MAX = 20_000
"""Models that are remembered; then it starts anew."""


class ModelFacts:
    """See the module. Filled by one thread at a time, read by any."""

    def __init__(self, providers: Iterable[ListedProvider]) -> None:
        self._providers = {one.name: one for one in providers}
        self._aliases = {
            name: f"{one.name}/{model}" for one in self._providers.values() for name, model in one.aliases.items()
        }
        self._known: dict[str, ListedModel] = {}

    def of(self, name: str) -> ListedModel | None:
        """What is known of an alias or `provider/model`; None before it was looked up."""
        return self._known.get(self._aliases.get(name, name))

    def unknown(self, names: Iterable[str]) -> list[str]:
        """Those that were not looked up yet."""
        return [name for name in names if self.of(name) is None]

    def work(self, names: Sequence[str]) -> int:
        """About how many comparisons it takes to look these up."""
        most = max((len(one.prices) for one in self._providers.values()), default=0)
        return len(names) * (most + 1)

    def look_up(self, names: Iterable[str]) -> None:
        """Remember what is known of these."""
        found = dict(self._known) if len(self._known) < FACTS_MAX else {}
        for name in names:
            target = self._aliases.get(name, name)
            provider, _, model = target.partition("/")
            if provider in self._providers:
                found[target] = describe(self._providers[provider], model, "configured")
        self._known = found
