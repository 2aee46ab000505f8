"""Providers of a snapshot as objects of a worker: their origins, endpoints, routes, keys and credentials.

Not here: in which order they are tried (`routing`).
"""

import time
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import urlsplit

from asbru.app.lasting import Lasting
from asbru.app.snapshot import KeyFacts, ProviderFacts
from asbru.catalog import PricedModel, find_priced_model
from asbru.core.traits import PLAIN_ADDRESSING
from asbru.pipeline import Endpoint
from asbru.providers import ProviderFault, credential_maker
from asbru.routing import Key, ProviderRoute
from asbru.upstream import Origin, Pool, proxy_authorization
from asbru.upstream.credentials import Credential, FixedCredential, KeyMaterial, TokenPorts, TokenSender
from asbru.upstream.origin import Reach

REMEMBERED_NAMES_MAX = 1024
"""Bare names of which it is remembered whether a provider's price data recognises them; callers choose names."""


def origin_of(facts: ProviderFacts) -> Origin:
    """Where a provider is and how it is reached. Raises `ValueError`."""
    parts = urlsplit(facts.base_url)
    tls = parts.scheme == "https"
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError(f"provider {facts.name}: expected an http(s) base_url, got {facts.base_url!r}")
    return Origin(
        host=parts.hostname,
        port=parts.port or (443 if tls else 80),
        tls=tls,
        trust=facts.tls,
        unix_socket=facts.unix_socket,
        **{name: getattr(facts, name) for name in Reach.__struct_fields__},
    )


def provider_endpoint(facts: ProviderFacts, pool: Pool, lasting: Lasting, *, traced: bool) -> Endpoint:
    parts = urlsplit(facts.base_url)
    route = _route(facts, lasting)
    plain_proxy = facts.proxy is not None and parts.scheme == "http"
    spoken = {facts.dialect: facts.operations, **facts.also}
    endpoint, *others = (
        Endpoint(
            route,
            lasting.dialects[name],
            pool,
            facts.deadlines,
            operations=frozenset(operations),
            base_path=parts.path.rstrip("/"),
            authority=parts.netloc.rpartition("@")[2],
            headers={name: value.reveal() for name, value in facts.headers.items()},
            absolute=f"http://{parts.netloc}" if plain_proxy else "",
            extra_lines=proxy_authorization(facts.proxy) if plain_proxy and facts.proxy else b"",
            traced=traced,
            vendor=facts.vendor,
            addressing=facts.addressing.get(name, PLAIN_ADDRESSING),
        )
        for name, operations in spoken.items()
    )
    endpoint.others = {other.dialect.name: other for other in others} or None
    for other in others:
        other.models = facts.also_for.get(other.dialect.name, ())
    return endpoint


def _route(facts: ProviderFacts, lasting: Lasting) -> ProviderRoute:
    keyless = len(facts.keys) == 1 and not facts.keys[0].value.reveal()
    keys = () if keyless else tuple(_key(facts, key, lasting) for key in facts.keys)
    route = ProviderRoute(
        facts.name, facts.dialect, keys, keyless=keyless, traits=facts.traits, trait_rules=facts.trait_rules
    )
    route.operations = frozenset(facts.operations)
    route.known_models = facts.known_models
    route.recognises = _recogniser(tuple(priced for priced in facts.prices if "*" not in priced.id))
    route.retries = facts.retries
    return route


def _recogniser(price_data: tuple[PricedModel, ...]) -> Callable[[str], bool]:
    @lru_cache(REMEMBERED_NAMES_MAX)
    def recognises(model: str) -> bool:
        return find_priced_model(price_data, model) is not None

    return recognises


def _key(facts: ProviderFacts, key: KeyFacts, lasting: Lasting) -> Key:
    """A key; one that is the same as before goes on cooling down."""
    credential = _credential(facts, key, lasting)
    made = Key(key.name, credential, frozenset(key.models), weight=key.weight, aliases=key.aliases)
    made.secret = key.value.reveal()
    identity = (facts.name, key.name, key.value)
    before = lasting.keys.get(identity)
    if before is not None:
        made.limited_until_s = before.limited_until_s
        made.limited_models = before.limited_models
        made.refused_until_s = before.refused_until_s
        made.refused_models = before.refused_models
    return made


def _credential(facts: ProviderFacts, key: KeyFacts, lasting: Lasting) -> Credential:
    """How a key is shown. One that must be asked is kept while nothing that it depends on changes: it may hold a
    token, or be fetching one."""
    try:
        maker = credential_maker(facts.auth)
    except ProviderFault as error:
        raise ValueError(f"provider {facts.name}: {error}") from None
    if maker is None:
        name, scheme = ("authorization", "Bearer ") if facts.auth == "bearer" else (facts.auth, "")
        try:
            return FixedCredential.of_header(name, f"{scheme}{key.value.reveal()}")
        except ValueError as error:
            raise ValueError(f"provider {facts.name}: the value of key '{key.name}' {error}") from None
    origin = origin_of(facts)
    identity = (facts.name, key.name, key.value, facts.auth, facts.base_url, origin)
    credential = lasting.credentials.get(identity)
    if credential is None:
        sender = TokenSender(origin, lasting.pool)
        ports = TokenPorts(
            f"{facts.name}/{key.name}", sender.send, time.monotonic, time.time, lasting.loop.call_later
        )
        credential = maker(KeyMaterial(key.value, facts.base_url), ports)
        lasting.credentials[identity] = credential
    return credential
