"""Compiling: what a configuration means, which mistakes refuse it, and what workers get."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from asbru.app.boot import Options
from asbru.app.compile import Compiled, compile_config, is_loopback
from asbru.app.compile_process import main
from asbru.app.config import ConfigRefusedError
from asbru.app.data_dir import KEYS_FILE
from asbru.app.paths import catalogue_file, shown_file
from asbru.app.snapshot import read_snapshot, write_snapshot
from asbru.app.stored_objects import Stored
from asbru.cluster import write_entries
from asbru.core.secret_text import SecretText
from asbru.core.traits import PLAIN, Traits, rule
from asbru.governance import VIRTUAL_KEY, digest_of
from asbru.providers import Access, Provider
from asbru.providers.kit import ANTHROPIC_ACCESS, OPENAI_ACCESS
from asbru.storage import DATABASE_NAME

ONE_KEY = "virtual_keys: [{name: a, value: sk-asb-0123456789}]\n"
TYPES = {
    provider.name: provider
    for provider in (
        Provider(
            name="groq",
            title="Groq",
            access=(Access(dialect="openai_chat"),),
            base_url="https://groq.example/v1",
            env_key="GROQ_API_KEY",
            price_id="groq",
        ),
        Provider(
            name="anthropic",
            title="Anthropic",
            access=(ANTHROPIC_ACCESS,),
            base_url="https://anthropic.example/v1",
        ),
        Provider(name="mock", title="Mock", access=(OPENAI_ACCESS, ANTHROPIC_ACCESS), keyless=True, served_here=True),
        Provider(name="custom", title="Custom", access=(OPENAI_ACCESS, ANTHROPIC_ACCESS), keyless=True),
    )
}


@pytest.fixture
def build(tmp_path: Path):
    """Compile a YAML text with the test's provider types."""

    def build(
        text: str,
        *,
        host: str | None = None,
        dry: bool = False,
        stored: Stored | None = None,
        bound: str | None = None,
        keeps: tuple[str, ...] = (),
        **env: str,
    ) -> Compiled:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        options = Options(data_dir=tmp_path / "data", config=path, host=host, mock_socket="/run/mock.sock")
        options = options._replace(bound=bound, keeps=keeps)
        return compile_config(options, env, types=TYPES, dry=dry, stored=stored)

    return build


def test_promised_documents_compile_merged(build) -> None:
    """With its key the fallback's source works; the fallback's unknown provider is skipped with a warning."""
    text = (
        '{"providers":{"groq":{"keys":[{"name":"groq-key-1","value":"env.GROQ_API_KEY","models":["*"],"weight":1.0}]}},'
        '"fallbacks":[{"from":"groq/llama-3.3-70b-versatile","to":["anthropic/claude-haiku-4-5"]}]}'
    )
    compiled = build(text, GROQ_API_KEY="gsk-1")
    assert compiled.snapshot.providers[0].keys[0].value == SecretText("gsk-1")
    assert compiled.snapshot.fallbacks == ()
    assert len(compiled.warnings) == 1
    assert "provider 'anthropic' is not configured: this fallback is skipped" in str(compiled.warnings[0])


def test_unset_key_is_disabled_not_the_start(build) -> None:
    """A key without its variable is left out with a warning; a provider without keys stays, unusable."""
    text = "providers: {groq: {keys: [{name: a, value: env.A}, {name: b, value: env.B}]}}"
    compiled = build(text, B="gsk-2")
    assert [key.name for key in compiled.snapshot.providers[0].keys] == ["b"]
    compiled = build(text)
    assert compiled.snapshot.providers[0].keys == ()
    assert "no usable key" in str(compiled.warnings[-1])


def test_unset_virtual_keys_do_not_open_the_gateway(build) -> None:
    """When every virtual key is disabled nobody gets in, even on loopback; a warning says so."""
    compiled = build("virtual_keys: [{name: a, value: env.A}]")
    assert (
        str(compiled.warnings[-1])
        == "line 1: virtual_keys: every virtual key is disabled, so every call will be refused"
    )
    assert "nobody" not in str(build("virtual_keys: [{name: a, value: env.A}, {name: b, value: x}]").warnings)
    assert compiled.declared[VIRTUAL_KEY] == {}
    assert not compiled.snapshot.open_access


def test_files_of_secrets_are_watched(build, tmp_path: Path) -> None:
    """A key from a mounted file is used, and a change of the file compiles anew."""
    (tmp_path / "key").write_text("gsk-3\n")
    compiled = build(f"providers: {{groq: {{keys: [{{name: a, value: 'file:{tmp_path}/key'}}]}}}}")
    assert compiled.snapshot.providers[0].keys[0].value == SecretText("gsk-3")
    assert compiled.boot.watched == (str(tmp_path / "key"),)


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_warns(build, text: str) -> None:
    """It replaces the built-in configuration, which had providers."""
    assert [str(warning) for warning in build(text).warnings] == [
        "the file is empty: no providers are configured, so every call will be refused"
    ]


def test_keyless_providers_have_one_empty_key(build) -> None:
    """Mock and custom providers need no credential."""
    text = """
providers:
  mock: {}
  local: {base_url: "http://127.0.0.1:9/v1/", dialect: openai, allow_loopback: true}
"""
    mock, local = build(text).snapshot.providers
    assert [key.value.reveal() for key in (*mock.keys, *local.keys)] == ["", ""]
    assert (mock.unix_socket, local.unix_socket) == ("/run/mock.sock", None)
    assert (local.kind, local.dialect, local.base_url) == ("custom", "openai_chat", "http://127.0.0.1:9/v1")


def test_anthropic_custom_gets_its_version_header(build) -> None:
    """A custom provider of the Anthropic dialect is called the Anthropic way; own headers win."""
    text = (
        "providers: {a: {base_url: 'https://x.example', dialect: anthropic,"
        " headers: {Anthropic-Version: '2024-01-01'}}}"
    )
    facts = build(text).snapshot.providers[0]
    assert (facts.dialect, facts.auth) == ("anthropic_messages", "x-api-key")
    assert facts.headers == {"anthropic-version": SecretText("2024-01-01")}


def test_custom_provider_at_a_known_address_is_priced(build) -> None:
    """A custom provider whose address the price data knows has its prices."""
    text = "providers: {mine: {base_url: 'https://api.openai.com/v1', dialect: openai, keys: [{name: a, value: x}]}}"
    assert build(text).snapshot.providers[0].prices


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("providers: {grok: {}}", "unknown provider type 'grok'; did you mean 'groq'?"),
        ("providers: {a: {type: antropic}}", "did you mean 'anthropic'?"),
        ("providers: {a: {type: custom}}", "needs `dialect`"),
        ("providers: {a: {dialect: openai}}", "needs `base_url`"),
        ("providers: {groq: {dialect: anthropic}}", "do not support this dialect"),
        ("providers: {groq: {keys: [{name: a}]}}", "key 'a' has no value"),
        ("providers: {groq: {keys: [{name: a, value: 'x y'}]}}", "visible ASCII"),
        ('providers: {groq: {keys: [{name: a, value: "x\\r\\ny"}]}}', "visible ASCII"),
        ("providers: {groq: {base_url: 'http://127.0.0.1/v1'}}", "set `allow_loopback: true`"),
        ("providers: {groq: {base_url: 'http://localhost/v1'}}", "set `allow_loopback: true`"),
        ("providers: {groq: {base_url: 'http://10.0.0.1/v1'}}", "set `allow_private: true`"),
        ("providers: {groq: {base_url: 'http://169.254.169.254/v1', allow_private: true}}", "link-local"),
        ("providers: {groq: {base_url: 'http://u:p@x.example/v1'}}", "without spaces, `?`, `#` and `user:password@`"),
        ("providers: {groq: {base_url: 'http://x:99999/v1'}}", "no valid host and port"),
        ("providers: {groq: {proxy: 'socks5://x:1'}}", "providers.groq.proxy: expected http://host:port"),
        ("providers: {groq: {proxy: 'http://x:1?same-1234567890123'}}", "expected http://host:port"),
        ("providers: {groq: {headers: {'a b': x}}}", "not a valid header name"),
        ("providers: {groq: {headers: {Host: x}}}", "Asbru sets this header itself"),
        ('providers: {groq: {headers: {a: "x\\ny"}}}', "without line breaks"),
        ("providers: {groq: {tls: {ca_file: /none}}}", "cannot read /none: No such file"),
        ("virtual_keys: [{name: a, value: ''}]", "visible ASCII"),
        ("virtual_keys: [{name: a, value: same-1234567890123}, {name: b, value: same-1234567890123}]", "same value"),
        (
            "providers: {groq: {keys: [{name: a, value: x, models: ['llama-*']}]}}",
            "models.0: `*` must be the only entry",
        ),
        (
            "providers: {groq: {keys: [{name: a, value: x, aliases: {'f*': x}}]}}",
            "aliases.f*: `*` is not supported here",
        ),
        (
            "providers: {groq: {}}\nfallbacks: [{from: 'groq/llama-*', to: [groq/b]}]",
            "`provider/model` or `provider/*`",
        ),
        (
            "providers: {groq: {}}\nfallbacks: [{from: 'groq/a', to: ['groq/*']}]",
            "to.0: `*` is not supported here",
        ),
        (
            "providers: {groq: {keys: [{name: a, value: x, models: [big]}]}}\n"
            "virtual_keys: [{name: a, value: x, models: [bog]}]",
            "no provider is known to have this model; did you mean 'big'?",
        ),
        (
            "providers: {groq: {base_url: 'https://x.example/v1/chat/completions'}}",
            "the API root: https://x.example/v1",
        ),
        ("providers: {groq: {base_url: 'https://groq.example'}}", "expected https://groq.example/v1"),
        ("listen: {tls: {cert_file: /none, key_file: /none}}", "the certificate and key cannot be used"),
    ],
)
def test_what_would_always_fail_is_an_error(build, text: str, expected: str) -> None:
    """Configuration that could never work is refused at the start, in words that say what to do."""
    with pytest.raises(ConfigRefusedError, match=r"line [12]: ") as refused:
        build(text)
    assert expected in str(refused.value)
    assert "same-1234567890123" not in str(refused.value)


def test_errors_of_every_stage_come_at_once(build, tmp_path: Path) -> None:
    """A key given twice, a wrong type and what makes no sense are told in one run, in the order of the file, and what
    only follows from another error is not; nothing is left in the data directory."""
    text = """
providers:
  groq: {keys: [{name: a, value: "x y"}, {value: "$X"}], retries: {max: many}}
  grok: {kyes: []}
  mine: {base_ur: "https://x.example/v1", dialect: openai}
  yours: {type: 3, base_url: "https://10.0.0.1/v1"}
listen: {port: 1, port: 2}
virtual_keys:
  - {name: a}
  - {name: b, value: "a b", models: [unknown]}
"""
    with pytest.raises(ConfigRefusedError) as refused:
        build(text)
    assert [str(problem).partition(": ")[::2] for problem in refused.value.problems] == [
        (
            "line 3",
            "providers.groq.keys.0.value: expected a credential of visible ASCII characters without spaces",
        ),
        ("line 3", "providers.groq.keys.1.name: 'name' is missing"),
        (
            "line 3",
            "providers.groq.keys.1.value: to read the value from the environment write `env.X`, to read it from a file "
            "write `file:PATH`",
        ),
        ("line 3", "providers.groq.retries.max: expected a whole number, got text"),
        (
            "line 4",
            "providers.grok: unknown provider type 'grok'; did you mean 'groq'? (otherwise set `type` or `dialect`)",
        ),
        ("line 4", "providers.grok.kyes: unknown key 'kyes'; did you mean 'keys'?"),
        ("line 5", "providers.mine.base_ur: unknown key 'base_ur'; did you mean 'base_url'?"),
        ("line 6", "providers.yours.type: expected text, got a whole number"),
        ("line 7", "listen.port: duplicate key"),
        ("line 9", "virtual_keys.0.value: 'value' is missing"),
        ("line 10", "virtual_keys.1.value: expected a virtual key of visible ASCII characters without spaces"),
    ]
    assert not (tmp_path / "data").exists()


def test_names_that_may_match_warn(build) -> None:
    """A bare name is an error only where no key may call other models than those named; a version may be unusual."""
    text = (
        "providers: {mine: {dialect: openai, base_url: 'https://x.example'}}\n"
        "virtual_keys: [{name: a, value: sk-asb-0123456789, models: [new-model, mine/new-model, 'mine/*']}]\n"
        "fallbacks: [{from: 'mine/*', to: [mine/b]}]"
    )
    said = [str(warning) for warning in build(text).warnings]
    assert len(said) == 2
    assert "line 1: providers.mine.base_url: the URL has no version segment" in said[0]
    assert "line 2: virtual_keys.0.models.0: no provider is known to have this model" in said[1]


def test_aliases(build) -> None:
    """They reach the snapshot; one whose provider is not configured warns."""
    text = "providers: {mock: {}}\nmodels:\n  fast: mock/m\n  new-*: mock/*\n  lost: gone/m\n"
    compiled = build(text)
    assert compiled.snapshot.models == {"fast": "mock/m", "new-*": "mock/*", "lost": "gone/m"}
    assert [str(warning) for warning in compiled.warnings] == [
        "line 5: models.lost: provider 'gone' is not configured, so this name is unknown to callers; valid here: mock"
    ]


@pytest.mark.parametrize(
    ("alias", "words"),
    [
        ("mock/fast: mock/m", "an alias cannot begin with the name of a provider"),
        ("fast: mock/*", "expected `name: provider/model`, or `begin*: provider/*`"),
        ("fast*: mock/m", "expected `name: provider/model`, or `begin*: provider/*`"),
        ("fast*: mock/m-*", "expected `name: provider/model`, or `begin*: provider/*`"),
        ("fast: '*/m'", "expected `name: provider/model`, or `begin*: provider/*`"),
        ("fast: m", "expected `provider/model`, without spaces"),
        ("'*a': mock/*", "expected a name of a model of your own choice"),
        ("'a b': mock/m", "expected a name of a model of your own choice"),
    ],
)
def test_aliases_that_mean_nothing(build, alias: str, words: str) -> None:
    """Each is refused where it stands."""
    with pytest.raises(ConfigRefusedError) as refused:
        build(f"providers: {{mock: {{}}}}\nmodels:\n  {alias}\n")
    [problem] = refused.value.problems
    assert str(problem).startswith("line 3: models.") and words in problem.message


def test_a_key_is_allowed_models_and_not_aliases(build) -> None:
    """A virtual key that names an alias is told the model to name."""
    with pytest.raises(ConfigRefusedError) as refused:
        build(
            "providers: {mock: {}}\nmodels: {fast: mock/m}\n"
            "virtual_keys: [{name: a, value: sk-asb-0123456789, models: [fast]}]"
        )
    assert "line 3: virtual_keys.0.models.0: an alias; allow its target, mock/m" in str(refused.value.problems[0])


def test_all_errors_of_all_providers_come_at_once(build) -> None:
    """One bad provider does not hide the next."""
    with pytest.raises(ConfigRefusedError) as refused:
        build("providers:\n  a: {}\n  b: {}\nvirtual_keys: [{name: k, value: ''}]")
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("prefix", ["/api", "/api/", "/ui", "/api/v1/mine"])
def test_prefixes_of_the_control_process_are_its_own(build, prefix: str) -> None:
    """While it is enabled nobody else may have them, and the error names the setting; without it they are free."""
    forwards = f"forwards: [{{prefix: {prefix}, unix_socket: /run/x}}]\n"
    with pytest.raises(ConfigRefusedError, match=r"line 1: forwards\.0\.prefix: /\w+ belongs .*`control\.enabled"):
        build(f"{forwards}control: {{enabled: true}}")
    assert [one.prefix for one in build(forwards).snapshot.forwards] == [prefix]
    near = "forwards: [{prefix: /apis, unix_socket: /run/x}]\n"
    assert [one.prefix for one in build(f"{near}control: {{enabled: true}}").snapshot.forwards] == ["/apis"]


@pytest.mark.parametrize(
    ("enabled", "runs", "socket", "prefixes"),
    [
        (True, None, "/c", ["/api", "/ui"]),
        (False, None, "/c", []),
        (True, None, None, []),
        (True, False, "/c", []),
        (False, True, "/c", ["/api", "/ui"]),
    ],
)
def test_the_control_process_is_forwarded_to_while_it_runs(
    tmp_path: Path, *, enabled: bool, runs: bool | None, socket: str | None, prefixes: list[str]
) -> None:
    """By the file at the start, by what runs on a reload; what the file says is told either way."""
    (tmp_path / "config.yaml").write_text(f"control: {{enabled: {str(enabled).lower()}}}")
    options = Options(data_dir=tmp_path, control=runs, control_socket=socket)
    compiled = compile_config(options, {}, types=TYPES)
    assert [(one.prefix, one.unix_socket) for one in compiled.snapshot.forwards] == [(one, "/c") for one in prefixes]
    assert compiled.boot.control is enabled


def test_many_virtual_keys_fit(build) -> None:
    """20,000 keys compile in time that grows with their number; one that is there twice is still found."""
    lines = "\n".join(f"  - {{name: key-{at}, value: sk-asb-{at:032d}}}" for at in range(20_000))
    assert len(build(f"virtual_keys:\n{lines}\n").declared[VIRTUAL_KEY]) == 20_000
    again = f"  - {{name: again, value: sk-asb-{777:032d}}}\n  - {{name: key-9, value: sk-asb-again-0123456789}}"
    with pytest.raises(ConfigRefusedError, match=r"line 20003: virtual_keys\.20001\.name: 'key-9' is used twice"):
        build(f"virtual_keys:\n{lines}\n{again}\n")
    with pytest.raises(ConfigRefusedError, match=r"line 20002: virtual_keys\.20000\.value: two virtual keys have"):
        build(f"virtual_keys:\n{lines}\n{again.partition(chr(10))[0]}\n")


def test_virtual_keys_are_digests(build, tmp_path: Path) -> None:
    """Workers get the keyed digest, never the key; the pepper stays the same from start to start."""
    text = "virtual_keys: [{name: a, value: sk-asb-0123456789, models: [groq/*]}]"
    first, second = build(text), build(text)
    assert (first.snapshot, first.declared) == (second.snapshot, second.declared)
    digest = digest_of(b"sk-asb-0123456789", bytes.fromhex(first.snapshot.pepper.reveal()))
    assert list(first.declared[VIRTUAL_KEY]) == [digest]
    assert b"sk-asb-0123456789" not in write_snapshot(first.snapshot) + write_entries(first.declared)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data" / "pepper").stat().st_mode) == 0o600


def test_generated_key_is_shown_once_and_only_when_needed(build) -> None:
    """Loopback without keys is open; elsewhere a key is generated, shown once, and its digest kept."""
    assert build("").snapshot.open_access
    first, second = build("", host="0.0.0.0"), build("", host="0.0.0.0")
    assert first.generated_key is not None
    assert first.generated_key.reveal().startswith("sk-asb-")
    assert len(first.generated_key.reveal()) == len("sk-asb-") + 32
    assert second.generated_key is None
    assert first.declared == second.declared
    assert not second.snapshot.open_access
    digest = digest_of(first.generated_key.reveal().encode(), bytes.fromhex(first.snapshot.pepper.reveal()))
    assert list(first.declared[VIRTUAL_KEY]) == [digest]


def test_keys_that_were_stored_are_remembered(build, tmp_path: Path) -> None:
    """A database that is lost opens nothing: a key is generated, on loopback too, until the operator says otherwise."""
    mock = "providers: {mock: }\n"
    assert build(mock).snapshot.open_access
    assert not build(mock, stored=Stored(has_keys=True)).snapshot.open_access
    lost = build(mock)
    assert not lost.snapshot.open_access and lost.generated_key is not None and lost.declared[VIRTUAL_KEY]
    marker = tmp_path / "data" / KEYS_FILE
    (warning,) = [str(one) for one in lost.warnings if "held virtual keys" in str(one)]
    assert "governance.enforce_auth" in warning and str(marker) in warning
    assert not build(mock + ONE_KEY).snapshot.open_access
    assert build(mock + "governance: {enforce_auth: false}\n").snapshot.keys_optional
    assert stat.S_IMODE(marker.stat().st_mode) == 0o600
    marker.unlink()
    assert build(mock).snapshot.open_access


def test_a_check_remembers_nothing(build, tmp_path: Path) -> None:
    """Of stored keys, as it makes none."""
    build("providers: {mock: }\n", dry=True, stored=Stored(has_keys=True))
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("bound", "host", "is_open"), [("0.0.0.0", "127.0.0.1", False), ("127.0.0.1", "::", True)])
def test_who_needs_a_key_follows_from_the_bound_address(build, bound: str, host: str, is_open: bool) -> None:
    """On a reload the listener stays where it is, whatever the file says by now."""
    text = f"listen: {{host: '{host}'}}\nproviders: {{mock: }}"
    compiled = build(text, bound=bound)
    assert (compiled.snapshot.open_access, compiled.generated_key is None) == (is_open, is_open)
    assert compiled.boot.host == host


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("", "the file is empty"),
        ("providers: {mock: }", "virtual_keys: the file has none any more"),
        ("providers: {mock: }\nvirtual_keys: []", "virtual_keys: the file has none any more"),
        (ONE_KEY, "providers: the file has none any more"),
    ],
)
def test_a_running_gateway_does_not_lose_its_keys_or_providers(build, text: str, lost: str) -> None:
    """A file that was cut short is refused on a reload; a start takes it."""
    before = build("providers: {mock: }\n" + ONE_KEY)
    assert before.boot.declares == ("providers", "virtual_keys")
    with pytest.raises(ConfigRefusedError, match=lost):
        build(text, bound="127.0.0.1", keeps=before.boot.declares)
    build(text)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("providers: {mock: }", Stored(has_keys=True)),
        (ONE_KEY, Stored({"providers": [{"name": "mock"}]})),
    ],
)
def test_what_the_file_had_may_move_to_the_database(build, text: str, stored: Stored) -> None:
    """Keys and providers that are stored now are not lost, and the gateway stays closed."""
    compiled = build(text, stored=stored, bound="127.0.0.1", keeps=("providers", "virtual_keys"))
    assert compiled.snapshot.providers and not compiled.snapshot.open_access


def test_what_no_worker_could_serve_is_refused(build) -> None:
    """A worker is built from what was compiled before any worker is told; what cannot be built is named."""
    with pytest.raises(ConfigRefusedError, match=r"line 1: providers\.b: expected a base_url in ASCII"):
        build("providers: {mock: , b: {type: custom, dialect: openai, base_url: 'https://例え.jp/v1'}}")
    text = "providers: {b: {type: custom, dialect: openai, base_url: 'https://a.example', headers: {x-a: 例え}}}"
    with pytest.raises(ConfigRefusedError, match=r"providers\.b"):
        build(text)


def test_dry_run_touches_nothing(build, tmp_path: Path) -> None:
    """`config check` makes no data directory and no key."""
    assert build("", host="0.0.0.0", dry=True).generated_key is None
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("host", "local"),
    [
        *((host, True) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost")),
        *((host, False) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", "")),
    ],
)
def test_loopback_is_recognised(host: str, local: bool) -> None:
    """Only what nobody else can reach counts as loopback."""
    assert is_loopback(host) is local


def test_defaults_leave_out_providers_without_an_address(tmp_path: Path) -> None:
    """A key for Azure or for a server of one's own is no configuration: nobody knows where the server is."""
    env = {"AZURE_OPENAI_API_KEY": "k", "OLLAMA_API_KEY": "k", "MISTRAL_API_KEY": "k"}
    compiled = compile_config(Options(data_dir=tmp_path), env)
    assert {provider.name for provider in compiled.snapshot.providers} == {"mistral", "mock"}


def test_defaults_without_a_file(tmp_path: Path) -> None:
    """Without a file: the mock, and providers whose usual variable is set."""
    compiled = compile_config(Options(data_dir=tmp_path), {"GROQ_API_KEY": "gsk-1"}, types=TYPES)
    assert {provider.name for provider in compiled.snapshot.providers} == {"groq", "mock"}


def test_file_in_the_data_directory_is_found(tmp_path: Path) -> None:
    """Without --config the data directory's file is used."""
    (tmp_path / "config.yml").write_text("cors_origins: ['*']")
    compiled = compile_config(Options(data_dir=tmp_path), {}, types=TYPES)
    assert compiled.snapshot.cors_origins == ("*",)
    assert compiled.boot.config_file == str(tmp_path / "config.yml")


def run_compile(tmp_path: Path, text: str) -> tuple[int, list[dict[str, Any]]]:
    """The compile process on a text: exit code and lines."""
    (tmp_path / "c.yaml").write_text(text)
    argv = [sys.executable, "-m", "asbru.app.compile_process", "--config", str(tmp_path / "c.yaml")]
    argv += ["--data-dir", str(tmp_path / "data"), "--host", "127.0.0.1", "--out", str(tmp_path / "out")]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "GROQ_API_KEY": ""})
    assert ran.stderr == ""
    return ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]


def test_process_writes_a_private_snapshot(tmp_path: Path) -> None:
    """The process prints warnings and the result, and writes the snapshot 0600."""
    code, lines = run_compile(tmp_path, "providers: {groq: {keys: [{name: a, value: env.GROQ_API_KEY}]}}")
    assert code == 0
    assert [list(line) for line in lines] == [["warnings"], ["result"]]
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("out", "out.feed")] == [0o600, 0o600]
    assert read_snapshot((tmp_path / "out").read_bytes()).providers[0].name == "groq"


@pytest.mark.parametrize(
    ("enabled", "running", "written"),
    [("false", None, False), ("true", None, True), ("true", "False", False), ("false", "True", True)],
)
def test_what_is_shown_is_written_for_who_reads_it(
    tmp_path: Path, enabled: str, running: str | None, written: bool
) -> None:
    """Only if the control process runs: with a gateway that serves already, what it was started with counts."""
    (tmp_path / "c.yaml").write_text(f"control: {{enabled: {enabled}}}\n{ONE_KEY}")
    argv = ["--config", str(tmp_path / "c.yaml"), "--data-dir", str(tmp_path), "--out", str(tmp_path / "out")]
    argv += ["--host", "127.0.0.1", *([] if running is None else ["--control", running])]
    assert main(argv) == 0
    assert {shown_file(tmp_path / "out").exists(), catalogue_file(tmp_path / "out").exists()} == {written}


def test_compiling_needs_no_network(tmp_path: Path) -> None:
    """With every socket forbidden, the price data included, a configuration compiles."""
    code = (
        "import sys, socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from asbru.app.compile_process import main\n"
        f"sys.exit(main(['--data-dir', {str(tmp_path)!r}, '--out', {str(tmp_path / 'out')!r}]))\n"
    )
    env = {**os.environ, "OPENAI_API_KEY": "sk-x"}
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert any(provider.prices for provider in read_snapshot((tmp_path / "out").read_bytes()).providers)


def test_process_prints_errors(tmp_path: Path) -> None:
    """A bad file: exit 1, one line with all errors, no snapshot."""
    code, lines = run_compile(tmp_path, "a: 1\nb: 2\n")
    assert code == 1
    assert len(lines) == 1
    assert len(lines[0]["errors"]) == 2
    assert not (tmp_path / "out").exists()


def test_a_database_that_is_too_new_is_no_mistake_of_the_configuration(tmp_path: Path) -> None:
    """What is wrong with the data directory is told apart, so that a reload is tried again and a start names it."""
    (tmp_path / "data").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / DATABASE_NAME)) as database:
        database.execute("PRAGMA user_version = 9999")
    code, lines = run_compile(tmp_path, "providers: {mock: {}}")
    assert (code, [list(line) for line in lines]) == (1, [["unusable"]])
    assert "has schema version 9999" in lines[0]["unusable"]


def test_traits_of_the_type_and_of_the_configuration(build) -> None:
    """The configuration changes the type's traits field by field; its rules come after those of the type."""
    text = (
        "providers: {a: {dialect: openai, base_url: 'https://a.example/v1', traits: {max_output_tokens: 9,"
        " rules: [{models: 'x*', cache_marks: true}]}}, groq: {}}"
    )
    changed, plain = build(text).snapshot.providers
    assert changed.traits == Traits(max_output_tokens=9)
    assert changed.trait_rules == (rule("x*", cache_marks=True),)
    assert (plain.traits, plain.trait_rules) == (PLAIN, ())


def test_how_a_provider_is_reached(build) -> None:
    """As configured, but never more idle connections than connections; the mock that Asbru starts is on loopback."""
    text = "providers: {groq: {proxy: 'http://p:1', allow_private: true, connections_max: 5}, mock: {}}"
    groq, mock = build(text).snapshot.providers
    assert (groq.proxy, groq.allow_private, groq.allow_loopback) == (SecretText("http://p:1"), True, False)
    assert (groq.connections_max, groq.idle_connections_max) == (5, 5)
    assert (mock.allow_loopback, mock.idle_connections_max) == (True, 256)
