"""The configuration file: what is read, and what is said about mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asbru.app.config import ConfigFile, Document, ParsedConfig, parse_config, read_document
from asbru.app.config.live import ProviderSettings
from asbru.app.config.wording import FORMS
from asbru.app.snapshot import Limits
from asbru.routing import RetryPolicy
from asbru.upstream import ExchangeDeadlines

GROQ = (
    '{"providers":{"groq":{"keys":[{"name":"groq-key-1","value":"env.GROQ_API_KEY","models":["*"],"weight":1.0}]}}}'
)
FALLBACKS = '{"fallbacks":[{"from":"groq/llama-3.3-70b-versatile","to":["anthropic/claude-haiku-4-5"]}]}'


def parse(text: str, env: Mapping[str, str] | None = None) -> ParsedConfig:
    """A document as YAML, which is valid."""
    parsed = parse_config(read_document(text, is_json=False), env or {})
    assert parsed.problems == []
    return parsed


def problems(text: str, env: Mapping[str, str] | None = None) -> list[str]:
    """All problems of a document, as printed."""
    found = parse_config(read_document(text, is_json=False), env or {}).problems
    assert found
    return [str(problem) for problem in found]


@pytest.mark.parametrize("is_json", [True, False])
@pytest.mark.parametrize("text", [GROQ, FALLBACKS, json.dumps(json.loads(GROQ) | json.loads(FALLBACKS))])
def test_documents_of_the_promise_work_as_they_are(text: str, is_json: bool) -> None:
    """The two documents users bring, alone and merged, read as JSON and as YAML."""
    parsed = parse_config(read_document(text, is_json=is_json), {"GROQ_API_KEY": "gsk-1"})
    if "providers" in text:
        key = parsed.config.providers["groq"].keys[0]
        assert (key.name, key.value.reveal(), key.models) == ("groq-key-1", "gsk-1", ("*",))
    if "fallbacks" in text:
        assert parsed.config.fallbacks[0].source == "groq/llama-3.3-70b-versatile"


def test_all_errors_come_at_once_with_lines() -> None:
    """Every mistake is named with its path, its line and the nearest valid key."""
    found = problems(
        """
providers:
  groq:
    key: []
    keys:
      - name: a
        value: x
        weigth: 2
listen:
  port: 99999
  workers: true
fallback: []
"""
    )
    assert found == [
        "line 4: providers.groq.key: unknown key 'key'; did you mean 'keys'?",
        "line 8: providers.groq.keys.0.weigth: unknown key 'weigth'; did you mean 'weight'?",
        "line 10: listen.port: expected at most 65535",
        "line 11: listen.workers: expected a whole number, got true or false",
        "line 12: fallback: unknown key 'fallback'; did you mean 'fallbacks'?",
    ]


def test_json_errors_have_lines_too() -> None:
    """A JSON file's mistakes are named with their line, as long as the text is YAML as well."""
    text = '{\n  "listen": {\n    "prot": 1\n  }\n}'
    found = parse_config(read_document(text, is_json=True), {}).problems
    assert str(found[0]) == "line 3: listen.prot: unknown key 'prot'; did you mean 'port'?"


def test_unknown_key_without_a_near_one_lists_the_valid() -> None:
    """When nothing is near, all valid keys are listed."""
    assert "valid here: ca_file, verify" in problems("providers: {groq: {tls: {zzzzzz: 1}}}")[0]


def test_keys_of_fallbacks_are_suggested_as_written() -> None:
    """The suggestion uses the key of the file (`from`), not the name in the code."""
    assert "did you mean 'from'?" in problems("fallbacks: [{form: a/b, to: [c/d]}]")[0]


def test_values_never_appear_in_messages() -> None:
    """A credential in the wrong place is not repeated."""
    text = (
        "providers: {groq: {keys: [{name: a, value: [sk-secret]}], proxy: sk-secret, headers: {a: {b: sk-secret}}}}"
    )
    assert "sk-secret" not in "".join(problems(text))
    assert "sk-secret" not in repr(parse("virtual_keys: [{name: a, value: sk-secret}]").config)


@pytest.mark.parametrize(
    "text",
    [
        "virtual_keys: [{name: a, value: x}, {name: a, value: y}]",
        "providers: {groq: {keys: [{name: a, value: x}, {name: a, value: y}]}}",
        "fallbacks: [{from: a/b, to: [c/d]}, {from: a/b, to: [e/f]}]",
        "forwards: [{prefix: /a, unix_socket: /s}, {prefix: /a, unix_socket: /t}]",
    ],
)
def test_duplicate_names_are_errors(text: str) -> None:
    """Two objects of one name are refused, naming the second."""
    found = problems(text)
    assert len(found) == 1
    assert "is used twice" in found[0]


def test_numbers_may_come_from_the_environment() -> None:
    """Text from the environment stands for a number or a switch; the same text in the file does not."""
    text = "listen: {port: env.P}\nlimits: {idle_timeout_s: env.T}\nproviders: {openai: {allow_loopback: env.L}}"
    config = parse(text, {"P": "9000", "T": "1.5", "L": "true"}).config
    assert config.listen.port == 9000
    assert config.limits.idle_timeout_s == 1.5
    assert config.providers["openai"].allow_loopback is True
    assert "expected a whole number, got text" in problems("listen: {port: '9000'}")[0]
    assert "text from the environment" in problems(text, {"P": "many", "T": "1", "L": "1"})[0]


def test_unset_variable_is_an_error_unless_it_is_a_credential() -> None:
    """An unset variable is named; for the value of a key it is forgiven and noted."""
    assert problems("listen: {host: env.NOWHERE}") == ["line 1: listen.host: environment variable NOWHERE is not set"]
    parsed = parse("virtual_keys: [{name: a, value: env.NOWHERE}]", {"NOWHERE": " "})
    assert parsed.unset == {("virtual_keys", 0, "value"): "NOWHERE"}


def test_references_of_other_tools_are_told_once_with_their_line() -> None:
    """Also where the setting would refuse the text for its form or its type."""
    found = problems("listen:\n  port: ${PORT}\nproviders: {groq: {base_url: $URL}}")
    assert [one.partition(": to read the value")[0] for one in found] == [
        "line 2: listen.port",
        "line 3: providers.groq.base_url",
    ]


def test_references_work_for_every_kind_of_setting(tmp_path: Path) -> None:
    """Choices, numbers that may be left out, and entries of lists; from the environment and from files."""
    (tmp_path / "port").write_text("9000\n")
    text = (
        f"listen: {{port: 'file:{tmp_path}/port'}}\nlog: {{format: env.F}}\n"
        "providers: {groq: {traits: {max_output_tokens: env.N, refuse_inputs: [env.I]}}}"
    )
    parsed = parse(text, {"F": "json", "N": "7", "I": "image"})
    traits = parsed.config.providers["groq"].traits
    assert (parsed.config.listen.port, parsed.config.log.format) == (9000, "json")
    assert (traits.max_output_tokens, tuple(traits.refuse_inputs)) == (7, ("image",))
    assert parsed.files == (str(tmp_path / "port"),)


def test_the_schema_may_be_named() -> None:
    """`$schema` is for editors."""
    assert parse("{$schema: ./asbru.schema.json, listen: {port: 1}}").config.listen.port == 1


def test_empty_sections_are_empty() -> None:
    """A section whose lines are commented out is as good as absent."""
    assert parse("listen:\nlimits:\nproviders: {mock: }").config.providers["mock"] == ProviderSettings()


def test_empty_text_is_the_defaults() -> None:
    """An empty file is valid."""
    assert parse("").config == ConfigFile()


def test_sections_are_what_runs() -> None:
    """What is served by as it is written comes out of the file as the Struct that the worker goes by."""
    config = parse(
        "limits: {header_count_max: 9}\nproviders: {a: {deadlines: {idle_s: 3}, retries: {max: 0}}}"
    ).config
    provider = config.providers["a"]
    assert config.limits == Limits(header_count_max=9)
    assert provider.deadlines == ExchangeDeadlines(idle_s=3.0)
    assert provider.retries == RetryPolicy(max=0)
    assert parse("").config.limits == Limits()


def test_what_is_wrong_does_not_hide_the_rest() -> None:
    """What cannot be read is left out, to its entry of a list where it was required; what follows keeps its place."""
    text = """
virtual_keys:
  - {value: x}
  - {name: a, value: [y]}
  - {name: b, value: env.UNSET}
  - {name: b, value: z}
cors_origins: [foo, "*"]
log: {format: xml}
"""
    parsed = parse_config(read_document(text, is_json=False), {})
    assert [str(problem) for problem in parsed.problems] == [
        "line 3: virtual_keys.0.name: 'name' is missing",
        "line 4: virtual_keys.1.value: expected text, got a list",
        "line 6: virtual_keys.3.name: 'b' is used twice",
        "line 7: cors_origins.0: expected `*`, or an origin such as https://app.example, without a path",
        "line 8: log.format: expected 'text' or 'json'",
    ]
    assert [key.name for key in parsed.config.virtual_keys] == ["b", "b"]
    assert parsed.unset == {("virtual_keys", 0, "value"): "UNSET"}
    assert parsed.config.cors_origins == ["*"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fallbacks: [{form: a/b, to: [c/d]}]", "fallbacks.0.form: unknown key"),
        ("fallbacks: [{from: 3, to: [c/d]}]", "fallbacks.0.from: expected text"),
        ("providers: {groq: {keys: [{name: '', value: $X}]}}", ""),
        ("listen: {host: '', port: 3}", "listen: host is empty"),
        ("providers: 3", "providers: expected a mapping"),
        ("version: 2", "version: expected 1"),
    ],
)
def test_one_mistake_is_one_error(text: str, expected: str) -> None:
    """Nothing is said that only follows from what was left out."""
    found = problems(text)
    assert len(found) == (1 if expected else 2)
    assert expected in found[0]


_KEYS = st.sampled_from(
    (
        *("providers", "virtual_keys", "fallbacks", "listen", "log", "teams"),
        *("keys", "name", "value", "models", "from", "to"),
        *("port", "base_url", "groq", "x"),
    )
)
_VALUES = st.recursive(
    st.sampled_from((None, 1, -1, 2.5, True, "", "x", "a/b", "$X", "env.X", "file:/none", "groq")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=300)
@given(st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_any_document_is_read_in_part(data: dict[str, Any]) -> None:
    """Whatever is wrong, there is an end to it: what is left is valid by itself, and every problem is about something
    that was written or is missing from it."""
    parsed = parse_config(Document(data), {})
    assert parse_config(Document(parsed.part.data), {}).problems == []
    for problem in parsed.problems:
        at: Any = data
        for depth, part in enumerate(problem.path):
            there = part in at if isinstance(at, dict) else isinstance(part, int) and part < len(at)
            assert there or depth == len(problem.path) - 1, problem
            at = at[part] if there else None


def test_no_words_of_the_machine() -> None:
    """Every pattern of a setting is told in words, and no message holds a regular expression or the name of a type."""

    def patterns(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            members: dict[str, Any] = schema
            yield from (members["pattern"],) if isinstance(members.get("pattern"), str) else ()
            yield from members.get("patternProperties", {})
            for inner in members.values():
                yield from patterns(inner)
        elif isinstance(schema, list):
            for inner in schema:
                yield from patterns(inner)

    assert set(patterns(ConfigFile.model_json_schema())) <= FORMS.keys()
    wrong = """
version: {}
providers: {Wrong Name: {}, a: [], b: {keys: {}, base_url: x, deadlines: {idle_s: x}, retries: {max: 1.5}, headers: 3}}
virtual_keys: [{name: a b, value: 1, models: 3}]
fallbacks: [{from: x, to: x}]
limits: {header_count_max: -1}
cors_origins: x
forwards: [{prefix: x, unix_socket: x}]
listen: {port: x, host: 3, tls: 1}
log: {access: 1, format: 3}
"""
    said = "\n".join(problems(wrong))
    assert len(said.splitlines()) == 22
    for word in (
        "valid",
        "dict",
        "str",
        "int",
        "bool",
        "instance",
        "Struct",
        "Settings",
        "^",
        "[A",
        "\\",
        "something",
    ):
        assert word not in said, said


def test_every_setting_has_words() -> None:
    """Each setting has a description, and what is measured in time or bytes has its unit in the name."""

    def check(schema: dict[str, Any]) -> int:
        for name, entry in schema.get("properties", {}).items():
            assert entry.get("description"), name
        return len(schema.get("properties", {}))

    schema = ConfigFile.model_json_schema()
    assert check(schema) + sum(check(part) for part in schema["$defs"].values()) > 50
