"""Headers of a passthrough call: what goes along, and what never leaves."""

from __future__ import annotations

import pytest

from asbru.pipeline.passthrough.lines import forwarded_lines

KEY = b"sk-asb-0123456789"


@pytest.mark.parametrize(
    "name", [b"Accept", b"Content-Type", b"HTTP-Referer", b"X-Title", b"Prefer", b"anthropic-beta"]
)
def test_other_headers_go_along(name: bytes) -> None:
    """What a provider may act upon goes as it came, and is known by its name."""
    assert forwarded_lines([(name, b"some value")], (), frozenset()) == (
        name + b": some value\r\n",
        frozenset({name.lower()}),
    )


@pytest.mark.parametrize(
    "name",
    [
        b"Authorization",
        b"X-Api-Key",
        b"api-key",
        b"x-goog-api-key",
        b"X-Asbru-Key",
        b"x-bf-vk",
        b"Cookie",
        b"proxy-authorization",
        b"x-vendor-token",
        b"Host",
        b"Connection",
        b"Transfer-Encoding",
        b"Content-Length",
        b"X-Forwarded-For",
        b"Forwarded",
        b"x-real-ip",
        b"x-asbru-tag-team",
        b"Origin",
        b"OpenAI-Organization",
        b"X-Hop",
        b"X-HTTP-Method-Override",
        b"X-Original-URL",
        b"X-Rewrite-URL",
        b"x-envoy-original-path",
    ],
)
def test_what_is_about_the_caller_stays(name: bytes) -> None:
    """Credentials under any name, addresses, what frames the request, what the provider must not see, what the
    connection names as its own, and what names another path or method than those that were judged."""
    headers = [(b"connection", b"close, X-Hop"), (name, b"value")]
    assert forwarded_lines(headers, (), frozenset({b"openai-organization"})) == (b"", frozenset())


def test_the_callers_key_leaves_in_no_header() -> None:
    """A header that holds what the caller showed stays behind, whatever it is called."""
    shown = (b"", b"Bearer " + KEY, b"")
    lines, _ = forwarded_lines([(b"x-note", b"for " + KEY), (b"x-other", b"fine")], shown, frozenset())
    assert lines == b"x-other: fine\r\n"
