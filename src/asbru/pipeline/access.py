"""What a caller may use: the one place that is asked, for every surface and operation.

The surface and the target that was asked for are permitted, or the call is refused; fallbacks are, or are left out.
"""

from __future__ import annotations

import msgspec

from asbru.core.errors import Forbidden
from asbru.governance import Caller
from asbru.pipeline.call import Call
from asbru.routing import ProviderRoute, Target


def permitted(call: Call, targets: tuple[Target, ...], *, surface: str = "") -> tuple[Target, ...]:
    """The targets that the caller may use, each with the provider's keys that it may use; raises `Forbidden` when the
    first, which was asked for, is none of them. `surface`: where it calls, by default the surface of its dialect."""
    caller = call.caller
    assert caller is not None, "nobody gets here without a key, or leave to do without"
    caller.check_surface(surface or call.dialect.surface.name)
    fit: list[Target] = []
    left_out: list[Target] = []
    for target in targets:
        judged = _judge(caller, target)
        if isinstance(judged, Target):
            fit.append(judged)
        elif not fit and not left_out:
            raise judged
        else:
            left_out.append(target)
    if left_out:
        call.not_allowed = tuple(left_out)
    return tuple(fit)


def permitted_whole(caller: Caller, provider: ProviderRoute) -> ProviderRoute:
    """The provider with the keys that the caller may use, for a call that may concern any of its models; raises
    `Forbidden` where some are not allowed."""
    caller.check_whole(provider.name)
    return permitted_keys(caller, provider)


def permitted_keys(caller: Caller, provider: ProviderRoute) -> ProviderRoute:
    """The provider with those of its keys that the caller may use; raises `Forbidden` where there is none."""
    names = caller.keys_of(provider.name)
    if names is None or provider.keyless:
        return provider
    provider = provider.with_keys(names)
    if not provider.keys:
        raise caller.refuse_keys(provider.name)
    return provider


def is_permitted(caller: Caller, target: Target) -> bool:
    """Whether the caller may use the target."""
    return isinstance(_judge(caller, target), Target)


def _judge(caller: Caller, target: Target) -> Target | Forbidden:
    provider = target.provider
    if not caller.may_use(provider.name, target.model):
        return caller.refuse(provider.name, target.model)
    names = caller.keys_of(provider.name)
    if names is not None and not provider.keyless:
        provider = provider.with_keys(names)
        if not provider.keys:
            return caller.refuse_keys(provider.name)
    usable = provider.leading_to(target.model, caller.may_be_served_by)
    if usable is None:
        return caller.refuse_blocked(provider.name, target.model)
    return target if usable is target.provider else msgspec.structs.replace(target, provider=usable)
