"""One suite over every provider folder: what each must hold, so that a new folder is tested without a line here."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from genai_prices.data import providers as priced
from tests.fakes.inside import Inside, answer

import asbru.providers
from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.config import ConfigRefusedError
from asbru.app.snapshot import ProviderFacts, Snapshot
from asbru.catalog.build import build_catalogue
from asbru.core.secret_text import SecretText
from asbru.core.traits import Traits
from asbru.dialects import discover as discover_dialects
from asbru.providers import Access, Provider, discover

FOLDER = Path(asbru.providers.__file__).parent
FOUND = discover()
DIALECTS = discover_dialects()
CASES = [(provider, access) for provider in FOUND.values() for access in provider.access]
NAMES = [f"{provider.name}-{access.dialect}" for provider, access in CASES]

MADE_UP = '''"""A provider nobody has heard of."""

from asbru.core.traits import Traits
from asbru.dialects import discover as discover_dialects
from asbru.providers import Access, Provider

PROVIDER = Provider(
    name="made_up",
    title="Made up",
    access=(Access(dialect="openai_chat", headers={"x-team": "bridge"}, operations=("chat", "embeddings")),),
    base_url="https://api.made-up.example/v2",
    env_key="MADE_UP_API_KEY",
    traits=Traits(strip=frozenset(("store",)), refuse_inputs=("audio",)),
)
'''


def _compile(
    tmp_path: Path, types: dict[str, Provider], name: str, *, secret: str = "secret", **settings: object
) -> ProviderFacts:
    """The facts a worker would get for one provider with one key."""
    keys = [{"name": "k", "value": "env.SOME_KEY"}]
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"providers": {name: {"keys": keys, **settings}}}))
    options = Options(data_dir=tmp_path / "data", config=path, mock_socket="/run/mock.sock")
    compiled = compile_config(options, {"SOME_KEY": secret}, types=types)
    assert compiled.warnings == []
    return compiled.snapshot.providers[0]


@pytest.mark.parametrize(("provider", "access"), CASES, ids=NAMES)
def test_facts_compile(tmp_path: Path, provider: Provider, access: Access) -> None:
    """With a key, a provider's facts reach the worker as its record states them."""
    settings: dict[str, str] = {}
    if len(provider.access) > 1:
        settings["dialect"] = DIALECTS[access.dialect].setting
    if provider.base_url is None and not provider.served_here:
        settings["base_url"] = "https://models.example/v1"
    facts = _compile(tmp_path, FOUND, provider.name, **settings)
    assert (facts.kind, facts.dialect, facts.auth) == (provider.name, access.dialect, access.auth)
    assert set(access.operations) == set(facts.operations)
    assert {name: value.reveal() for name, value in facts.headers.items()}.items() >= access.headers.items()
    assert (facts.traits, facts.trait_rules) == (provider.traits, provider.trait_rules)
    assert facts.base_url == (provider.address(access) or settings.get("base_url") or facts.base_url)
    assert (facts.unix_socket is not None) is provider.served_here
    assert facts.keys[0].value == SecretText("secret")


@pytest.mark.parametrize("provider", FOUND.values(), ids=FOUND)
def test_the_page_states_the_facts(provider: Provider) -> None:
    """README.md, the docs page, names what a user must know: name, address, key, operations, what is removed."""
    page = (FOLDER / provider.name / "README.md").read_text()
    assert page.startswith("# ")
    addresses = [provider.address(access) for access in provider.access]
    named = [*addresses, provider.env_key, *provider.traits.strip, *provider.known_models]
    named += [operation for access in provider.access for operation in access.operations]
    assert [word for word in named if word and word not in page] == []
    assert f"\n  {provider.name}:" in page or provider.name == "custom", "an example of its configuration"


@pytest.mark.parametrize("provider", FOUND.values(), ids=FOUND)
def test_prices_are_known_by_its_id(provider: Provider) -> None:
    """A price id is one that genai-prices knows, and a provider's address is encrypted."""
    assert provider.price_id is None or provider.price_id in {entry.id for entry in priced}
    addresses = [provider.address(access) for access in provider.access]
    assert all(address is None or address.startswith("https://") for address in addresses)


def test_the_catalogue_is_broad() -> None:
    """The price data names at least a thousand models of the providers that have a folder, each with a price."""
    ids = {provider.price_id for provider in FOUND.values() if provider.price_id is not None}
    catalogues = [build_catalogue(price_id, datetime.now(UTC)) for price_id in ids]
    assert sum(len(catalogue.known_models) for catalogue in catalogues) >= 1_000
    assert all(catalogue.known_models for catalogue in catalogues)


OWN_CREDENTIAL = '''"""A signature that nobody has heard of."""

import hashlib

from asbru.upstream.credentials import SignedCredential


def make(material, ports):
    secret = material.value.reveal()
    if not secret.startswith("team:"):
        raise ValueError("a key of Made up is team:SECRET")

    def sign(request):
        mac = hashlib.blake2b(request.target, key=secret.encode())
        for piece in request.body_pieces():
            mac.update(piece)
        return b"x-made-up: %b\\r\\n" % mac.hexdigest().encode()

    return SignedCredential(sign)
'''


def test_a_folder_may_bring_its_own_credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file in the folder: its keys are judged when the configuration is compiled, and sign what is sent."""
    folder = tmp_path / "places" / "made_up_signing"
    folder.mkdir(parents=True)
    record = MADE_UP.replace('name="made_up"', 'name="made_up_signing"')
    record = record.replace(
        'dialect="openai_chat",', 'dialect="openai_chat", auth="made_up_signing.credential:make",'
    )
    (folder / "__init__.py").write_text(record)
    (folder / "credential.py").write_text(OWN_CREDENTIAL)
    (folder / "README.md").write_text("# Made up\n")
    monkeypatch.syspath_prepend(folder.parent)
    types = discover([folder.parent])
    with pytest.raises(ConfigRefusedError, match="a key of Made up is team:SECRET"):
        _compile(tmp_path, types, "made_up_signing", base_url="http://made-up.test/v2")
    facts = _compile(tmp_path, types, "made_up_signing", base_url="http://made-up.test/v2", secret="team:s")
    inside = Inside(Snapshot(providers=(facts,)), monkeypatch)
    inside.script("made-up", answer(200, b"{}"))
    inside.chat("made_up_signing/m")
    head, _, body = inside.requests[0][1].partition(b"\r\n\r\n")
    mac = hashlib.blake2b(b"/v2/chat/completions" + body, key=b"team:s").hexdigest()
    assert f"x-made-up: {mac}".encode() in head.split(b"\r\n") and b"team:s" not in head


@pytest.mark.parametrize("auth", ["made_up_nowhere.credential:make", "json:nothing", "json:__doc__"])
def test_a_reference_to_nothing_is_told(tmp_path: Path, auth: str) -> None:
    """A folder whose credential maker is not there, or is none, is an error of the configuration that uses it."""
    provider = msgspec.structs.replace(FOUND["groq"], access=(Access(dialect="openai_chat", auth=auth),))
    with pytest.raises(ConfigRefusedError, match=auth.partition(":")[0]):
        _compile(tmp_path, {"groq": provider}, "groq")


def test_keep_honest(tmp_path: Path) -> None:
    """A made-up provider is one new folder: it is found and its facts compile, and nothing else was touched."""
    folder = tmp_path / "places" / "made_up"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(MADE_UP)
    (folder / "README.md").write_text("# Made up\n")
    facts = _compile(tmp_path, discover([folder.parent]), "made_up")
    assert (facts.name, facts.kind, facts.base_url) == ("made_up", "made_up", "https://api.made-up.example/v2")
    assert (facts.headers, facts.operations) == ({"x-team": SecretText("bridge")}, ("chat", "embeddings"))
    assert facts.traits == Traits(strip=frozenset(("store",)), refuse_inputs=("audio",))
    assert "made_up" not in discover()
