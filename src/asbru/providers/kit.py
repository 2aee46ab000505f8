"""What a provider is (a record of facts), and how providers are found (every folder beside this file).

A provider is access + dialect + facts: where it listens, how it is asked, what it takes and refuses. A folder holds
one record named `PROVIDER`, a README.md, which becomes its page in the docs, and perhaps a models.toml with what is
told of some of its models and a prices.toml with what it charges by the piece. Discovery checks all of it, so that a
wrong fact fails at start with the folder's name, not in the middle of a call. Not here: keys, configuration, calling.
"""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import msgspec

from asbru.core.folders import Folder, FolderFault, find_folders
from asbru.core.traits import PLAIN, PLAIN_ADDRESSING, Addressing, TraitRule, Traits, rule
from asbru.core.usage import Unit
from asbru.dialects import Dialect
from asbru.dialects import discover as dialects_found

if TYPE_CHECKING:
    from asbru.upstream.credentials import CredentialMaker


_File = TypeVar("_File")
NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""A provider's name is its folder's: lower case, a Python identifier, what callers write before the slash."""

_BASE_URL = re.compile(r"https?://[^\s?#]+[^\s?#/]")
_HEADER_NAME = re.compile(r"[a-z0-9-]+")
_REFERENCE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")
_HEADER_VALUE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class ProviderFault(Exception):
    """A provider's folder does not hold what the kit asks of it."""


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider is asked in one dialect.

    `auth`: how a key is shown: "bearer" (`Authorization: Bearer`), the name of the header that holds it (`x-api-key`),
    or, where it is no fixed header, what makes the credential of it: a `CredentialMaker` (`asbru.upstream.credentials`)
    as an object reference, "asbru.providers.NAME.credential:make"; `auth_words` say what that sends. `headers` go with
    every call, names in lower case.
    `operations`: what it offers in this dialect. `base_url`: where, if not at the provider's own. `models`: which of
    its models are asked in this dialect, by patterns, where it is not the provider's first (empty: all). `addressing`:
    how it is asked, if not in the dialect's own way.
    """

    dialect: str
    base_url: str | None = None
    auth: str = "bearer"
    auth_words: str = ""
    headers: dict[str, str] = {}
    operations: tuple[str, ...] = ("chat", "models")
    addressing: Addressing = PLAIN_ADDRESSING
    models: tuple[str, ...] = ()


OPENAI_ACCESS = Access(dialect="openai_chat", operations=("chat", "completions", "embeddings", "models"))
"""What most servers that speak the OpenAI dialect offer."""

RESPONSES_ACCESS = Access(dialect="openai_responses", operations=("chat", "models"))
"""The Responses API as api.openai.com offers it."""

IMAGES_AND_AUDIO = ("images", "image_edits", "image_variations", "speech", "transcriptions", "translations")
"""What api.openai.com offers besides, in the same dialect."""
STORED = ("files", "batches")
"""Objects that some providers keep, with all that can be done with them."""

ANTHROPIC_ACCESS = Access(
    dialect="anthropic_messages",
    auth="x-api-key",
    headers={"anthropic-version": "2023-06-01"},
    operations=("chat", "models", "count_tokens"),
)
"""All of the Anthropic dialect as api.anthropic.com offers it."""


class SourcedPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A price of a prices.toml: what `per` units cost, US dollars, of the models that fit the pattern (`*` for any
    text, at the start or the end); who told it (`source`, a URL) and when. For what the price data does not have."""

    models: Annotated[str, msgspec.Meta(pattern=r"^(\*?[^*]+\*?|\*)$")]
    unit: Unit
    usd: Annotated[float, msgspec.Meta(ge=0, le=1_000_000)]
    source: Annotated[str, msgspec.Meta(pattern="^https://")]
    date: date
    per: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] = 1


class PricesFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A prices.toml: `[[prices]]`; of several that fit a model the first holds."""

    prices: tuple[SourcedPrice, ...]


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's facts before configuration.

    `access`: one entry per dialect it speaks; the first is what is used unless the configuration says otherwise.
    `base_url`: with its version segment, without a trailing slash; None: the configuration must name it.
    `address_example`: what such an address looks like, with what has to be replaced in capital letters, where the
    provider names none, or one of several. `key_forms`: what a key may be, where it is more than a string to be shown.
    `env_key`: the environment variable its key usually stands in. `keyless`: works without a key.
    `served_here`: Asbru starts its server. `price_id`: its id in genai-prices; None: no prices are known.
    `known_models`: where the price data names none.
    `traits`: what it takes and refuses. `trait_rules`: how some of its models differ; later rules win. Those of a file
    `models.toml` beside the record stand before its own. `models_of`: providers whose models it serves by their own
    names; the rules in their `models.toml` stand before all of these.
    `unit_prices`: those of a file `prices.toml` beside the record.
    `vendor`: what OpenTelemetry calls it (`gen_ai.provider.name`), None: by its own name; "": by the name that the
    configuration gives it, since the type says nothing about who answers.
    """

    name: str
    title: str
    access: tuple[Access, ...]
    docs_url: str | None = None
    base_url: str | None = None
    address_example: str = ""
    key_forms: tuple[str, ...] = ()
    env_key: str | None = None
    keyless: bool = False
    served_here: bool = False
    price_id: str | None = None
    known_models: tuple[str, ...] = ()
    traits: Traits = PLAIN
    trait_rules: tuple[TraitRule, ...] = ()
    models_of: tuple[str, ...] = ()
    vendor: str | None = None
    unit_prices: tuple[SourcedPrice, ...] = ()

    def access_by(self, dialect: str | None = None) -> Access:
        """How to ask it in `dialect` (default: its first). Raises `KeyError` when it does not speak it."""
        for access in self.access:
            if dialect in (None, access.dialect):
                return access
        raise KeyError(dialect)

    @property
    def by_model(self) -> bool:
        """Whether the model tells in which of its dialects it is asked."""
        return any(access.addressing.models for access in self.access)

    def address(self, access: Access) -> str | None:
        """Where it is asked by `access`; None: the configuration must name it."""
        return access.base_url or self.base_url


class SourcedRule(TraitRule, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of a models.toml: data that ages, so it says who told it (`source`, a URL) and when."""

    source: Annotated[str, msgspec.Meta(pattern="^https://")]
    date: date


class ModelsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A models.toml: `[[rules]]`, in the order in which they are applied."""

    rules: tuple[SourcedRule, ...]


def discover(extra: Iterable[Path] = (), dialects: Mapping[str, Dialect] | None = None) -> dict[str, Provider]:
    """Every provider by name, in alphabetical order: the folders beside this file and those in `extra`.

    `dialects`: what they may speak, by name; default those that are found.

    Raises `ProviderFault` naming the folder when its record is missing or wrong, or when two have one name.
    """
    package = __package__ or "asbru.providers"
    try:
        folders = list(find_folders(package, str(Path(__file__).parent), map(str, extra)))
        spoken = dialects_found() if dialects is None else dialects
        return {folder.name: _load(folder, spoken) for folder in sorted(folders, key=lambda folder: folder.name)}
    except FolderFault as error:
        raise ProviderFault(str(error)) from None


def check(provider: object, folder: Path, dialects: Mapping[str, Dialect]) -> Provider:
    """The record of `folder` if it holds together and speaks only `dialects`; raises `ProviderFault` with all that is
    wrong."""
    if not isinstance(provider, Provider):
        raise ProviderFault(f"{folder}: `PROVIDER` is not a kit.Provider")
    try:
        provider = msgspec.convert(msgspec.to_builtins(provider), Provider)
    except msgspec.ValidationError as error:
        raise ProviderFault(f"{folder}: {error}") from None
    wrong = [*_name_faults(provider, folder), *_access_faults(provider, dialects), *_address_faults(provider)]
    if wrong:
        raise ProviderFault(f"{folder}: {'; '.join(wrong)}")
    return provider


def credential_maker(auth: str) -> CredentialMaker | None:
    """What `Access.auth` refers to, imported now; None where it names a header. Raises `ProviderFault`."""
    module, colon, name = auth.partition(":")
    if not colon:
        return None
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ProviderFault(f"{auth}: {error}") from None
    if not callable(found):
        raise ProviderFault(f"{auth} is not a credential maker")
    return cast("CredentialMaker", found)


def _load(folder: Folder, dialects: Mapping[str, Dialect]) -> Provider:
    path = Path(folder.path)
    try:
        provider = getattr(folder.load(), "PROVIDER", None)
    except msgspec.ValidationError as error:  # a rule names a trait or a value that is none
        raise ProviderFault(f"{path}: {error}") from None
    provider = check(provider, path, dialects)
    others = (found for name in provider.models_of for found in _rules_of_models(Path(__file__).parent / name))
    rules = (*others, *_rules_of_models(path), *provider.trait_rules)
    priced = _told(path / "prices.toml", PricesFile)
    return msgspec.structs.replace(provider, trait_rules=rules, unit_prices=() if priced is None else priced.prices)


def _rules_of_models(folder: Path) -> tuple[TraitRule, ...]:
    """The rules in the folder's models.toml; none where it has no such file."""
    found = _told(folder / "models.toml", ModelsFile)
    return () if found is None else tuple(rule(told.models, **told.given()) for told in found.rules)


def _told(path: Path, form: type[_File]) -> _File | None:
    """A file of facts; None where the folder has no such file."""
    if not path.is_file():
        return None
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), form)
    except (ValueError, msgspec.ValidationError) as error:
        raise ProviderFault(f"{path}: {error}") from None


def _name_faults(provider: Provider, folder: Path) -> list[str]:
    wrong: list[str] = []
    if provider.name != folder.name:
        wrong.append(f"the record says {provider.name!r}, the folder {folder.name!r}")
    if not NAME.fullmatch(folder.name):
        wrong.append(f"the name must match {NAME.pattern}")
    if not (folder / "README.md").is_file():
        wrong.append("README.md is missing: it becomes the docs page")
    for name in provider.models_of:
        if not (Path(__file__).parent / name / "models.toml").is_file():
            wrong.append(f"`models_of`: there is no models.toml of {name!r}")
    return wrong


def _access_faults(provider: Provider, dialects: Mapping[str, Dialect]) -> list[str]:
    wrong: list[str] = []
    spoken = [access.dialect for access in provider.access]
    if not spoken or len(set(spoken)) != len(spoken):
        wrong.append("`access` needs one entry per dialect, at least one")
    for access in provider.access:
        wrong += _operation_faults(access, dialects.get(access.dialect))
        if not set(access.operations) - {"models"}:
            wrong.append(f"{access.dialect} without an operation")
        if not (_HEADER_NAME.fullmatch(access.auth) or _REFERENCE.fullmatch(access.auth)):
            wrong.append("`auth` is 'bearer', a header's name in lower case, or an object reference 'module:name'")
        if access.auth_words and ":" not in access.auth:
            wrong.append("`auth_words` are for an object reference in `auth`")
        for name, value in access.headers.items():
            if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
                wrong.append(f"header {name!r}: lower-case name, visible ASCII value")
    return wrong


def _operation_faults(access: Access, dialect: Dialect | None) -> list[str]:
    if dialect is None:
        return [f"there is no dialect {access.dialect!r}"]
    known = {operation.name for operation in dialect.operations} | {"models"}
    return [f"{access.dialect} has no operation {name!r}" for name in access.operations if name not in known]


def _address_faults(provider: Provider) -> list[str]:
    wrong: list[str] = []
    for url in (
        provider.base_url,
        provider.address_example or None,
        *(access.base_url for access in provider.access),
    ):
        if url is not None and not _BASE_URL.fullmatch(url):
            wrong.append("`base_url` is http(s)://host/path without query and trailing slash")
    if provider.env_key is not None and not _VARIABLE.fullmatch(provider.env_key):
        wrong.append("`env_key` is not the name of an environment variable")
    if not provider.keyless and provider.env_key is None:
        wrong.append("a provider that needs a key names its usual variable (`env_key`)")
    return wrong
