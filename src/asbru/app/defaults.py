"""The built-in configuration: what serves when there is no file. `asbru demo` starts from it too.

Data only; it is read, checked and compiled like a file. Loads nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from asbru.providers import Provider

ProviderTypes: TypeAlias = Mapping[str, Provider]


def default_settings(types: ProviderTypes, env: Mapping[str, str]) -> dict[str, Any]:
    """The providers that need no key, and those whose address is known and whose usual variable is set."""
    providers: dict[str, Any] = {}
    for name, kind in types.items():
        if kind.served_here:
            providers[name] = {}
        elif kind.base_url and kind.env_key and env.get(kind.env_key):
            providers[name] = {"keys": [{"name": f"{name}-env", "value": f"env.{kind.env_key}"}]}
    return {"providers": providers}
