"""What a proxied `tools/call` costs: over streamable HTTP, one server, its tool called again and again.

    lane    our own client calls the server, with nothing between: what any gateway has to do at least
    asbru   the gateway in between, as its users run it: key, access, limits, records
    sdk     a proxy on the official SDK in between, its client and its server: no key, no access, no record

The server is the same for all, and its CPU counts for none.
"""

from bench.tool_calls.measure import Call, measure

__all__ = ["Call", "measure"]
