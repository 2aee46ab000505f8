"""Providers: one folder each, discovered, holding facts and no code.

Does: what a provider is (`Provider`, `Access`) and which there are (`discover`). Refuses: keys, configuration,
connections, calls. Adding one means adding one folder; nothing else is touched.
"""

from asbru.providers.kit import Access, Provider, ProviderFault, discover

__all__ = ["Access", "Provider", "ProviderFault", "discover"]
