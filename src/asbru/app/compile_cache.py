"""The section `cache`, checked for what it means together with the others: models that it names, the extra it needs.

Types and bounds are checked where the section is declared (`asbru.cache`).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from asbru.app.config import ConfigFile, nearest

if TYPE_CHECKING:
    from asbru.app.compile_providers import Findings


def check_cache(config: ConfigFile, findings: Findings) -> None:
    """Problems go to `findings`."""
    semantic = config.cache.semantic
    if semantic.mode == "off":
        return
    if find_spec("numpy") is None:
        findings.error(
            ("cache", "semantic", "mode"),
            "needs the extra `semantic`: `make setup` in a checkout, else `pip install 'asbru[semantic]'`",
        )
    if not config.cache.enabled:
        findings.warn(("cache", "semantic", "mode"), "has no effect, since cache.enabled is false")
    if not semantic.embeddings:
        findings.error(
            ("cache", "semantic"), "expected `embeddings`, the model that makes vectors", absent="embeddings"
        )
    for name in ("embeddings", "verifier"):
        model = getattr(semantic, name)
        provider = model.partition("/")[0]
        if model and model not in config.models and provider not in config.providers:
            findings.error(
                ("cache", "semantic", name),
                f"there is no provider {provider!r}; {nearest(provider, config.providers)}",
            )
