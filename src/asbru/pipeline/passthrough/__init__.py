"""Passthrough: any path of a provider, with Asbru's credentials, governed and recorded as every call is.

    paths     what a path below a provider's base URL may be, and which operation it is of those that are known
    lines     which headers of the caller go along
    middle    the middle of the path: may they, what may it cost, ask, deliver
    delivery  the response as it comes
    reading   what is kept of a reply on its way, to read its usage

It refuses to translate, to choose among providers, and to reach stored objects, which belong to keys.
"""

from asbru.pipeline.passthrough.delivery import deliver_as_it_comes
from asbru.pipeline.passthrough.middle import passthrough_call
from asbru.pipeline.passthrough.paths import METHODS, PREFIX, ROUTE, SURFACE, UNKNOWN

__all__ = ["METHODS", "PREFIX", "ROUTE", "SURFACE", "UNKNOWN", "deliver_as_it_comes", "passthrough_call"]
