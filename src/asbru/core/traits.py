"""What a target takes and refuses: one record from the provider's folder and the configuration to the writer.

A quirk of a provider or a model is one field of `Traits` and one place that heeds it; everything between carries the
record whole. A provider states its traits, and rules that change them for some of its models; `resolve` gives the
traits of one model. Later rules win. What models cost or are called is not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from asbru.core.chat import Raw
from asbru.core.stored_words import AS_OPENAI, StoredWords

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode

InputKind: TypeAlias = Literal["image", "audio", "document"]
ThinkingStyle: TypeAlias = Literal["adaptive", "budget", "none"]
ReasoningBack: TypeAlias = Literal["reasoning_content", "reasoning", "thinking", "none"]


class Traits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a target takes and refuses. A field's default is what its dialect asks of everybody."""

    strip: Annotated[
        frozenset[str],
        Meta(description="Top-level request fields that the model refuses. Asbru removes them and adds a note."),
    ] = frozenset()
    refuse_inputs: Annotated[
        tuple[InputKind, ...],
        Meta(description="Inputs that the model does not support. Asbru refuses a call that contains one."),
    ] = ()
    refuse_members: Annotated[
        tuple[str, ...],
        Meta(
            description="Members, anywhere in a request of the same dialect, that the model refuses although it "
            "accepts their content under another name. A request that contains one is translated."
        ),
    ] = ()
    ask_stream_usage: Annotated[
        bool,
        Meta(description="Ask for usage in streams if the caller does not, in dialects that report it on request."),
    ] = True
    legacy_max_tokens: Annotated[
        bool, Meta(description="The server supports `max_tokens` but not `max_completion_tokens` (OpenAI dialect).")
    ] = False
    max_output_tokens: Annotated[
        int,
        Meta(
            ge=0,
            description="Largest output of the model. Sent if `max_tokens` is required and the caller sets "
            "none; translated calls lower a larger limit to it. 0: unknown.",
        ),
    ] = 0
    cache_marks: Annotated[
        bool, Meta(description="The model reads cache marks although its dialect has none (OpenAI dialect).")
    ] = False
    thinking: Annotated[
        ThinkingStyle | None,
        Meta(
            description="How to ask the model to reason: with an effort (`adaptive`), with a budget of tokens "
            "(Anthropic dialect), or not at all (`none`: translated calls omit all reasoning "
            "settings)."
        ),
    ] = None
    system_anywhere: Annotated[
        bool,
        Meta(
            description="The model accepts several system messages, anywhere in the conversation (OpenAI "
            "dialect). If not, those at the start become one, and later ones become user text."
        ),
    ] = False
    top_k: Annotated[
        bool, Meta(description="The server has the member `top_k` (OpenAI dialect); translated calls carry it.")
    ] = False
    reasoning_back: Annotated[
        ReasoningBack | None,
        Meta(
            description="Member in which the model expects the reasoning of earlier replies (OpenAI dialect); "
            "`none`: it refuses reasoning. Default: the member in which a provider of this dialect "
            "sent it."
        ),
    ] = None
    reasoning_stand_in: Annotated[
        str | None,
        Meta(
            description="Text that the model accepts in place of the reasoning of a reply that another model made "
            "(OpenAI dialect). Translated calls write it into `reasoning_content` of each such reply."
        ),
    ] = None
    efforts: Annotated[
        tuple[str, ...],
        Meta(
            description="Reasoning efforts that the model accepts; translated calls replace another one with "
            "the nearest. If `none` is included, reasoning can be switched off. Empty: the efforts "
            "of the dialect."
        ),
    ] = ()
    effort_with_tools: Annotated[
        str | None,
        Meta(
            description="The only effort that the model accepts together with tools (OpenAI dialect). Set in "
            "every translated call that offers tools."
        ),
    ] = None
    tool_name_chars_max: Annotated[
        int,
        Meta(
            ge=16,
            description="Maximum length of a tool name, which may contain letters, digits, `_` and `-`. "
            "Translated calls rewrite any other name to fit; the caller reads its own name in the "
            "reply.",
        ),
    ] = 64
    tool_id_chars_max: Annotated[
        int,
        Meta(
            ge=0,
            description="Maximum length of a tool call id (OpenAI dialect); translated calls replace a longer "
            "one with a digest. 0: no limit.",
        ),
    ] = 40
    tool_id_chars: Annotated[
        int,
        Meta(
            ge=0,
            le=64,
            description="Exact number of letters and digits that the model requires in tool call ids (OpenAI "
            "dialect); translated calls replace any other id with a digest. 0: no such requirement.",
        ),
    ] = 0
    tools: Annotated[
        bool, Meta(description="The model can call tools. If not, Asbru offers it none besides those of the caller.")
    ] = True
    user_chars_max: Annotated[
        int,
        Meta(
            ge=0,
            description="Maximum length of a user name; translated calls replace a longer one with a digest. 0: "
            "the limit of the dialect (OpenAI 64, Anthropic 256).",
        ),
    ] = 0
    call_signature: Annotated[
        str | None,
        Meta(
            description="Signature that the model accepts for tool calls that another model made (Gemini dialect). "
            "Translated calls add it to the first unsigned call of each message."
        ),
    ] = None
    sampling: Annotated[
        bool,
        Meta(description="The model accepts `temperature`, `top_p` and `top_k`. If not, translated calls omit them."),
    ] = True


PLAIN: Final = Traits()
"""A target that takes what its dialect has."""


def _overlay(struct: type[msgspec.Struct]) -> type[msgspec.Struct]:
    """A struct with the fields of `struct`, any of which may be unset."""
    fields = [(field.name, field.type | UnsetType, UNSET) for field in msgspec.structs.fields(struct)]
    return msgspec.defstruct(
        f"{struct.__name__}Overlay", fields, frozen=True, kw_only=True, forbid_unknown_fields=True, module=__name__
    )


class TraitChanges(_overlay(Traits), frozen=True, kw_only=True, forbid_unknown_fields=True):
    """New values for some of the fields of `Traits`; the others are unset."""

    def given(self) -> dict[str, Any]:
        """The fields that are set, by name."""
        values = ((name, getattr(self, name)) for name in Traits.__struct_fields__)
        return {name: value for name, value in values if value is not UNSET}


class TraitRule(TraitChanges, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes for the models whose name `models` matches."""

    models: Annotated[
        str,
        Meta(
            min_length=1,
            description="Models to which the rule applies, as the provider spells them; `*` matches any text.",
        ),
    ]

    def fits(self, model: str) -> bool:
        """Whether the rule is about `model`."""
        return fits_glob(self.models, model)


def fits_glob(glob: str, text: str) -> bool:
    """Whether `text` is what `glob` says: `*` stands for any text, also none, the rest word for word. Takes linear
    time: callers choose names."""
    start, *middle = glob.split("*")
    if not middle:
        return text == start
    end = middle.pop()
    at, last = len(start), len(text) - len(end)
    if at > last or not text.startswith(start) or not text.endswith(end):
        return False
    for part in middle:
        at = text.find(part, at, last)
        if at < 0:
            return False
        at += len(part)
    return True


def rule(models: str, /, **changes: object) -> TraitRule:
    """A rule as a provider's folder writes it: `rule("o1*", strip=["temperature"])`.

    Raises `msgspec.ValidationError` where a name or a value is not one of `Traits`.
    """
    return msgspec.convert({**changes, "models": models}, TraitRule)


def change(traits: Traits, changes: TraitChanges) -> Traits:
    """`traits` with the fields that `changes` sets."""
    return msgspec.structs.replace(traits, **changes.given())


def resolve(traits: Traits, rules: Iterable[TraitRule], model: str) -> Traits:
    """The traits of `model`: those of the provider, changed by each rule that fits, in order."""
    for found in rules:
        if found.fits(model):
            traits = change(traits, found)
    return traits


class Addressing(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider is asked in a dialect, where that differs from the dialect's own way: clouds host the models of
    several makers, each by its maker's dialect, but with the model in the path.

    `prefix` stands before every path of the dialect; `paths` and `stream_paths` take the place of those of
    operations, by their names. `members` are set at the top of every body, and `without` are left out, which may be
    the model where it stands in the path. `header_values_without`: values that are left out of a header with a list, by
    the header's name. `models`: those that are asked in this dialect, as globs; none: all that no other dialect of the
    provider claims. `stored`: how it says files and batches."""

    prefix: str = ""
    paths: dict[str, str] = {}
    stream_paths: dict[str, str] = {}
    members: dict[str, str] = {}
    without: tuple[str, ...] = ()
    header_values_without: dict[str, tuple[str, ...]] = {}
    models: tuple[str, ...] = ()
    stored: StoredWords = AS_OPENAI

    @property
    def changes_bodies(self) -> bool:
        """Whether a body goes otherwise than in the dialect's own way."""
        return bool(self.members or self.without)

    def claims(self, model: str) -> bool:
        """Whether the model is one of `models`."""
        return any(fits_glob(glob, model) for glob in self.models)

    def change_header(self, name: bytes, value: bytes) -> bytes:
        """The value of a header as the provider wants it; b"" where nothing is left."""
        gone = self.header_values_without.get(name.decode("latin-1").lower())
        if gone is None:
            return value
        kept = (one.strip() for one in value.split(b",") if one.strip().decode("latin-1") not in gone)
        return b",".join(one for one in kept if one)

    def change(self, members: Mapping[str, Raw]) -> dict[str, Raw]:
        """The members of a body as the provider wants them."""
        kept = {name: raw for name, raw in members.items() if name not in self.without}
        return kept | {name: Raw(_encode(value)) for name, value in self.members.items()}

    def change_body(self, body: bytes) -> bytes:
        """The same of a body that was written as the dialect has it."""
        return _encode(self.change(_members(body)))


PLAIN_ADDRESSING: Final = Addressing()
"""In the dialect's own way."""


class CatalogueModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of a chat as a client plans by it. `inputs` besides text; `thinking`, `efforts`: see `Traits`; None and
    empty where it is not known."""

    name: str
    context_tokens: int | None = None
    inputs: tuple[str, ...] = ()
    thinking: str | None = None
    efforts: tuple[str, ...] = ()
