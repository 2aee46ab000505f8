"""Which of the targets a caller may use: the one asked for, or the call is refused; fallbacks, or they are left out."""

from __future__ import annotations

from asbru.governance import refuse_model
from asbru.pipeline.call import Call
from asbru.routing import Target


def permitted(call: Call, targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The targets that the caller may use; raises when the first, which was asked for, is none of them."""
    caller = call.caller
    assert caller is not None, "nobody gets here without a key, or leave to do without"
    first = targets[0]
    if not caller.may_use(first.provider.name, first.model):
        raise refuse_model(first.provider.name, first.model)
    fit = tuple(one for one in targets if caller.may_use(one.provider.name, one.model))
    if len(fit) < len(targets):
        call.not_allowed = tuple(one for one in targets if one not in fit)
    return fit
