"""The kit: what discovery finds, what it refuses, and that a provider is one folder and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from asbru import dialects
from asbru.core.traits import rule
from asbru.providers import Access, Provider, ProviderFault, discover
from asbru.providers.kit import OPENAI_ACCESS, check

MADE_UP = '''"""A provider nobody has heard of."""

from asbru.core.traits import rule
from asbru import dialects
from asbru.providers import Access, Provider

PROVIDER = Provider(
    name="{name}",
    title="Made up",
    access=(Access(dialect="openai_chat", headers={{"x-team": "bridge"}}, operations=("chat", "embeddings")),),
    base_url="https://api.made-up.example/v2",
    env_key="MADE_UP_API_KEY",
    trait_rules=(rule("old-*", legacy_max_tokens=True),),
)
'''


def _folder(place: Path, name: str, text: str = MADE_UP, *, readme: bool = True) -> Path:
    folder = place / name
    folder.mkdir()
    (folder / "__init__.py").write_text(text.format(name=name))
    if readme:
        (folder / "README.md").write_text("# Made up\n")
    return folder


def test_every_folder_is_found() -> None:
    """Discovery lists the folders, in order, by their names."""
    found = list(discover())
    assert found == sorted(found)
    assert {"anthropic", "custom", "groq", "mock", "openai"} <= set(found)
    assert all(name == provider.name for name, provider in discover().items())


def test_facts_of_the_issue() -> None:
    """Groq loses three fields and has no audio or embeddings; Anthropic is asked in its own way."""
    found = discover()
    groq, anthropic = found["groq"], found["anthropic"]
    assert groq.traits.strip == {"store", "service_tier", "prompt_cache_key"}
    assert set(groq.traits.refuse_inputs) == {"audio"}
    assert "embeddings" not in groq.access_by().operations
    access = anthropic.access_by()
    assert (access.auth, access.headers) == ("x-api-key", {"anthropic-version": "2023-06-01"})
    assert "count_tokens" in access.operations
    assert found["openai"].base_url == "https://api.openai.com/v1"


def test_a_provider_is_one_folder(tmp_path: Path) -> None:
    """A made-up provider in a temporary folder is found, with its facts, and leaves no trace in this process."""
    _folder(tmp_path, "made_up")
    found = discover([tmp_path])
    assert "made_up" in found and "made_up" not in discover()
    made_up = found["made_up"]
    assert made_up.access_by("openai_chat").headers == {"x-team": "bridge"}
    assert "asbru_provider_made_up" not in sys.modules


def test_two_dialects() -> None:
    """A provider that speaks two dialects is asked in its first, or in the one named; a third is refused."""
    mock = discover()["mock"]
    assert mock.access_by().dialect == "openai_chat"
    assert mock.access_by("anthropic_messages").auth == "x-api-key"
    with pytest.raises(KeyError):
        mock.access_by("gemini")


@pytest.mark.parametrize(
    ("name", "text", "readme", "complaint"),
    [
        ("made_up", MADE_UP, False, "README.md is missing"),
        ("Made_up", MADE_UP, True, "the name must match"),
        ("other", MADE_UP.replace("{name}", "made_up"), True, "the record says 'made_up', the folder 'other'"),
        ("made_up", '"""Nothing."""\n', True, "`PROVIDER` is not a kit.Provider"),
        ("made_up", MADE_UP.replace("/v2", "/v2/"), True, "without query and trailing slash"),
        (
            "made_up",
            MADE_UP.replace("headers=", 'base_url="ftp://x", headers='),
            True,
            "without query and trailing slash",
        ),
        ("made_up", MADE_UP.replace("x-team", "X-Team"), True, "lower-case name"),
        ("made_up", MADE_UP.replace("headers=", 'auth="X-Key", headers='), True, "a header's name in lower case"),
        ("made_up", MADE_UP.replace("headers=", 'auth="credential:", headers='), True, "object reference"),
        ("made_up", MADE_UP.replace('"chat", "embeddings"', '"models",'), True, "openai_chat without an operation"),
        (
            "made_up",
            MADE_UP.replace('"chat", "embeddings"', '"chat", "dance"'),
            True,
            "openai_chat has no operation 'dance'",
        ),
        ("made_up", MADE_UP.replace('    env_key="MADE_UP_API_KEY",\n', ""), True, "names its usual variable"),
        (
            "made_up",
            MADE_UP.replace("trait_rules=", 'models_of=("groq", "nobody"), trait_rules='),
            True,
            "there is no models.toml of 'nobody'",
        ),
        ("openai", MADE_UP, True, "there is a folder 'openai' already"),
        ("made_up", MADE_UP.replace("legacy_max_tokens", "old_limits"), True, "unknown field `old_limits`"),
        ("made_up", MADE_UP.replace("=True", "=1"), True, "Expected `bool`, got `int` - at `$.legacy_max_tokens`"),
    ],
)
def test_wrong_folders_are_named(tmp_path: Path, name: str, text: str, *, readme: bool, complaint: str) -> None:
    """A folder that breaks the kit's rules is refused at discovery, with its path and what is wrong."""
    folder = _folder(tmp_path, name, text, readme=readme)
    with pytest.raises(ProviderFault) as caught:
        discover([tmp_path])
    assert complaint in str(caught.value)
    assert str(folder) in str(caught.value)


TOLD = """
[[rules]]
models = "new-*"
thinking = "none"
source = "https://made-up.example/docs"
date = 2026-01-31
"""


def test_rules_of_a_models_file_stand_first(tmp_path: Path) -> None:
    """A models.toml beside the record holds rules as data, with their source; the record's own come after them."""
    (_folder(tmp_path, "made_up") / "models.toml").write_text(TOLD)
    rules = discover([tmp_path])["made_up"].trait_rules
    assert rules == (rule("new-*", thinking="none"), rule("old-*", legacy_max_tokens=True))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (TOLD.replace('"none"', '"never"'), "Invalid enum value 'never' - at `$.rules[0].thinking`"),
        (TOLD.replace("thinking", "dreaming"), "unknown field `dreaming` - at `$.rules[0]`"),
        (TOLD.replace("https", "http"), "at `$.rules[0].source`"),
        (TOLD.replace("date", "# date"), "missing required field `date`"),
        (TOLD.replace("2026-01-31", "lately"), "Invalid value"),
        ("[[model]]\n", "unknown field `model`"),
    ],
)
def test_wrong_models_files_are_named(tmp_path: Path, text: str, complaint: str) -> None:
    """A models.toml that is not TOML, names no trait or gives no source is refused at discovery, with its path."""
    path = _folder(tmp_path, "made_up") / "models.toml"
    path.write_text(text)
    with pytest.raises(ProviderFault) as caught:
        discover([tmp_path])
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)


PRICED = """
[[prices]]
models = "draw-*"
unit = "image"
usd = 0.04
source = "https://made-up.example/prices"
date = 2026-01-31
"""


def test_prices_of_units_stand_in_a_file(tmp_path: Path) -> None:
    """A prices.toml beside the record holds what is charged by the piece, with its source."""
    (_folder(tmp_path, "made_up") / "prices.toml").write_text(PRICED)
    (told,) = discover([tmp_path])["made_up"].unit_prices
    assert (told.models, told.unit, told.usd, told.per) == ("draw-*", "image", 0.04, 1)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"image"', '"drawing"', "Invalid enum value 'drawing' - at `$.prices[0].unit`"),
        ("usd = 0.04", "usd = -1", "at `$.prices[0].usd`"),
        ("usd", "eur", "unknown field `eur`"),
        ("https", "http", "at `$.prices[0].source`"),
        ("date = 2026-01-31", "", "missing required field `date`"),
        ('"draw-*"', '"d*w"', "at `$.prices[0].models`"),
    ],
)
def test_wrong_prices_files_are_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """A prices.toml with another unit, no price or no source is refused at discovery, with its path."""
    path = _folder(tmp_path, "made_up") / "prices.toml"
    path.write_text(PRICED.replace(old, new))
    with pytest.raises(ProviderFault) as caught:
        discover([tmp_path])
    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_dialect_may_have_an_address_of_its_own() -> None:
    """Where one dialect is asked elsewhere, its access says so; the others are at the provider's address."""
    own = Access(dialect="anthropic_messages", base_url="https://made-up.example/anthropic/v1")
    other = Access(dialect="openai_chat")
    provider = Provider(name="x", title="X", access=(other, own), base_url="https://made-up.example/v1")
    assert [provider.address(access) for access in provider.access] == [provider.base_url, own.base_url]


def test_rules_of_the_makers_of_its_models_stand_before_all(tmp_path: Path) -> None:
    """A provider that serves the models of others takes over what their files say of them; its own rules win."""
    text = MADE_UP.replace("trait_rules=", 'models_of=("groq",), trait_rules=')
    (_folder(tmp_path, "made_up", text) / "models.toml").write_text(TOLD)
    found = discover([tmp_path])
    rules = (*found["groq"].trait_rules, rule("new-*", thinking="none"), rule("old-*", legacy_max_tokens=True))
    assert found["made_up"].trait_rules == rules


def test_all_faults_at_once(tmp_path: Path) -> None:
    """A record with several mistakes is told them all."""
    folder = _folder(tmp_path, "made_up", readme=False)
    provider = Provider(name="x", title="X", access=(OPENAI_ACCESS, OPENAI_ACCESS), base_url="ftp://x", env_key="no")
    with pytest.raises(ProviderFault) as caught:
        check(provider, folder, dialects.discover())
    assert str(caught.value).count(";") == 4


def test_records_are_facts() -> None:
    """A record cannot be changed, and survives a trip through JSON: it holds no code."""
    groq = discover()["groq"]
    with pytest.raises(AttributeError):
        groq.name = "other"  # type: ignore[misc]  # that is the point
    assert msgspec.json.decode(msgspec.json.encode(groq), type=Provider) == groq
    assert Access(dialect="openai_chat").operations == ("chat", "models")


def test_discovery_starts_nothing_heavy() -> None:
    """Listing the providers loads neither the mock's server nor asyncio."""
    code = "import sys; from asbru.providers import discover; discover(); print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "False"
