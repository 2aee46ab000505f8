"""Providers: one folder each, discovered, holding facts, and code only for a credential of its own.

Does: what a provider is (`Provider`, `Access`), which there are (`discover`), how its keys are shown
(`credential_maker`), what models are for (`operations`). Refuses: keys, configuration, connections, calls. Adding one
means adding one folder; nothing else is touched.
"""

from asbru.providers import operations
from asbru.providers.kit import Access, Provider, ProviderFault, SourcedPrice, credential_maker, discover

__all__ = ["Access", "Provider", "ProviderFault", "SourcedPrice", "credential_maker", "discover", "operations"]
