"""Owners of the file: what they become, which mistakes refuse the file, and what is only worth a warning."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from asbru.app.boot import Options
from asbru.app.compile import Compiled, compile_config
from asbru.app.config import ConfigRefusedError
from asbru.app.stored_objects import Stored
from asbru.core.errors import Unauthenticated
from asbru.governance import VIRTUAL_KEY, Keys, digest_of
from asbru.governance.entries import OWNER, KeyEntry, OwnerEntry

KEY = "value: sk-asb-0123456789abcdef"
GROQ = "providers: {groq: {keys: [{name: main, value: gsk-0123456789}]}}"


@pytest.fixture
def build(tmp_path: Path):
    """Compile a YAML text."""

    def build(text: str, *, host: str | None = None) -> Compiled:
        path = tmp_path / "config.yaml"
        path.write_text(text)
        return compile_config(Options(data_dir=tmp_path / "data", config=path, host=host), {})

    return build


def test_owners_become_entries(build) -> None:
    """Customers, teams, keys and general limits, with all that was written."""
    compiled = build(f"""
customers: [{{name: acme, budgets: [{{amount_usd: 100}}]}}]
teams: [{{name: blue, customer: acme, rate_limits: [{{metric: requests, amount: 60}}]}}]
virtual_keys:
  - name: svc
    {KEY}
    team: blue
    providers: [{{provider: groq, keys: [main]}}]
    surfaces: [openai, passthrough, mcp]
    tags: {{env: prod}}
governance:
  limits: [{{scope: model, name: groq/llama*, rate_limits: [{{metric: tokens, amount: 1000}}]}}]
{GROQ}
""")
    owners = {at: msgspec.msgpack.decode(one, type=OwnerEntry) for at, one in compiled.declared[OWNER].items()}
    assert list(owners) == ["customer/acme", "team/blue", "model/groq/llama*"]
    assert owners["team/blue"].parent == "customer/acme"
    assert owners["customer/acme"].limits[0].amount == 100_000_000_000
    (payload,) = compiled.declared[VIRTUAL_KEY].values()
    key = msgspec.msgpack.decode(payload, type=KeyEntry)
    assert (key.parent, key.surfaces, key.tags) == (
        "team/blue",
        ("openai", "passthrough", "mcp"),
        {"env": "prod"},
    )
    assert key.declared
    assert (key.providers[0].provider, key.providers[0].keys) == ("groq", ("main",))
    assert compiled.warnings == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("teams: [{name: t, customer: acme}]", r"customer: there is no customer 'acme'; none is configured"),
        ("virtual_keys: [{name: k, value: env.NOT_SET, team: bleu}]", "there is no team 'bleu'"),
        ("virtual_keys: [{name: k, value: env.NOT_SET, models: ['regex:(a+)+']}]", "could take long"),
        (f"teams: [{{name: blue}}]\nvirtual_keys: [{{name: k, {KEY}, team: bleu}}]", "no team 'bleu'; did you mean"),
        (f"virtual_keys: [{{name: k, {KEY}, surfaces: [opnai]}}]", r"surfaces\.0: there is no surface 'opnai'"),
        (f"virtual_keys: [{{name: k, {KEY}, models: ['regex:(a+)+']}}]", r"models\.0: could take long"),
        (f"virtual_keys: [{{name: k, {KEY}, expires_at: tomorrow}}]", r"expires_at: expected a time with its zone"),
        ("teams: [{name: t}, {name: t}]", r"teams\.1\.name: 't' is used twice"),
        ("customers: [{name: c}, {name: c}]", r"customers\.1\.name: 'c' is used twice"),
        ("customers: [{name: c, budgets: [{amount_usd: -1}]}]", r"budgets\.0\.amount_usd: expected more than 0"),
        ("customers: [{name: c, budgets: [{amount_usd: .nan}]}]", r"budgets\.0\.amount_usd"),
        ("customers: [{name: c, budgets: [{amount_usd: 1, window: 5x}]}]", r"budgets\.0\.window: expected a window"),
        ("customers: [{name: c, budgets: [{amount_usd: 1, aligned: true, timezone: Mars}]}]", "not a time zone"),
        ("customers: [{name: c, rate_limits: [{metric: calls, amount: 1}]}]", r"rate_limits\.0\.metric: expected"),
        (
            "governance: {limits: [{scope: provider, name: groq}, {scope: provider, name: groq}]}",
            r"governance\.limits\.1\.name: the provider 'groq' has limits already",
        ),
        ("governance: {enforce_auth: true, is_vk_mandatory: false}", "say different things"),
    ],
)  # fmt: skip
def test_what_cannot_hold_is_an_error(build, text: str, message: str) -> None:
    """A limit that would not work, an owner that is not there: told by path, with what was meant."""
    with pytest.raises(ConfigRefusedError, match=message):
        build(text)


def test_what_would_never_happen_is_a_warning(build) -> None:
    """Grants of what is not configured, and keys that have expired, are told and do no harm."""
    compiled = build(f"""
virtual_keys:
  - name: k
    {KEY}
    models: ['opnai/*']
    providers: [{{provider: opnai}}, {{provider: groq, keys: [mian]}}]
    expires_at: 2020-01-01T00:00:00Z
governance: {{limits: [{{scope: provider_key, name: groq/mian}}]}}
{GROQ}
""")
    assert [warning.message for warning in compiled.warnings] == [
        "'groq' has no key 'mian'",
        "provider 'opnai' is not configured",
        "provider 'opnai' is not configured",
        "'groq' has no key 'mian'",
        "virtual key 'k' has expired and is refused",
    ]


@pytest.mark.parametrize(
    ("provider", "more", "warned"),
    [
        ("mock: {}", "", 1),
        ("mock: {prices: {'*': {input: 1, output: 2}}}", "", 0),
        ("groq: {keys: [{name: main, value: gsk-0123456789}]}", "", 0),
        ("mock: {}", "governance: {unknown_price: allow}", 0),
    ],
)
def test_budgets_without_prices_are_a_warning(build, provider: str, more: str, warned: int) -> None:
    """A provider without any price, where an owner has a budget: its calls would be refused with `price_unknown`."""
    owner = "teams: [{name: t, budgets: [{amount_usd: 1}]}]"
    warnings = build(f"providers: {{{provider}}}\n{owner}\n{more}").warnings
    assert [one.path for one in warnings] == [("providers", "mock")] * warned
    assert all("calls under a budget are refused" in one.message for one in warnings)
    assert build("providers: {mock: {}}\nteams: [{name: t}]").warnings == []


@pytest.mark.parametrize(
    ("setting", "host", "expected"),
    [
        ("", None, (True, False, False)),
        ("", "0.0.0.0", (False, False, True)),
        ("governance: {enforce_auth: true}", None, (False, False, True)),
        ("governance: {enforce_auth: false}", "0.0.0.0", (False, True, False)),
        ("governance: {enforce_auth: false}", None, (False, True, False)),
        ("governance: {enforceGovernanceHeader: true}", None, (False, False, True)),
        ("governance: {enforce_auth_on_inference: false}", "0.0.0.0", (False, True, False)),
        (f"virtual_keys: [{{name: k, {KEY}}}]", None, (False, False, False)),
    ],
)
def test_who_needs_a_key(build, setting: str, host: str | None, expected: tuple[bool, bool, bool]) -> None:
    """By default keys are needed as soon as there are any, or others can call; the switch decides otherwise. Where keys
    are needed and none is there, one is made."""
    compiled = build(setting, host=host)
    snapshot = compiled.snapshot
    assert (snapshot.open_access, snapshot.keys_optional, compiled.generated_key is not None) == expected


def test_other_names_of_the_switch_are_taken_with_a_hint(build) -> None:
    """Who comes from elsewhere is told the name here."""
    (warning,) = build("governance: {is_vk_mandatory: true}").warnings
    assert "governance.is_vk_mandatory: read as `enforce_auth`" in str(warning)


def test_calls_without_a_key_over_the_network_are_told(build) -> None:
    """Whoever opens the gateway to the network reads it at each start."""
    (warning,) = build("governance: {enforce_auth: false}", host="0.0.0.0").warnings
    assert "anyone who reaches 0.0.0.0" in str(warning)


def test_prices_of_the_provider_come_before_general_ones(build) -> None:
    """And both before the price data."""
    compiled = build("""
providers:
  groq: {keys: [{name: main, value: gsk-0123456789}], prices: {"llama*": {input: 1, output: 1}}}
prices: {"*/*": {input: 3, output: 3}, "openai/*": {input: 9, output: 9}}
""")
    (groq,) = compiled.snapshot.providers
    assert [(one.id, one.rows[0].input) for one in groq.prices[:2]] == [("llama*", 10**9), ("*", 3 * 10**9)]
    with pytest.raises(ConfigRefusedError, match="`provider/model`, with"):
        build("prices: {gpt-5: {input: 1, output: 1}}")


def test_an_owner_may_be_one_of_the_management_api(build, tmp_path: Path) -> None:
    """A key or team of the file may belong to an owner that is stored. With the control process one that is not there
    yet is a warning, for it may come: the entry names it, and the key is refused until then. Without, it is an
    error."""
    text = f"virtual_keys: [{{name: k, {KEY}, team: blue}}]\n{GROQ}\nteams: [{{name: red, customer: acme}}]\n"
    with pytest.raises(ConfigRefusedError, match="there is no team 'blue'"):
        build(text)
    compiled = build(f"{text}control: {{enabled: true}}\n")
    assert [str(one).partition(": ")[2] for one in compiled.warnings] == [
        "teams.0.customer: there is no customer 'acme' yet: the keys below it are refused until the management API has "
        "one; none is configured",
        "virtual_keys.0.team: there is no team 'blue' yet: the keys below it are refused until the management API has "
        "one; valid here: red",
    ]
    (payload,) = compiled.declared[VIRTUAL_KEY].values()
    assert msgspec.msgpack.decode(payload, type=KeyEntry).parent == "team/blue"
    stored = Stored(owners=frozenset((("team", "blue"), ("customer", "acme"))))
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    assert compile_config(options, {}, stored=stored).warnings == []


def test_a_key_without_its_variable_keeps_its_name(tmp_path: Path) -> None:
    """Values that the management API has stored under the name are refused, as it says of a key that the file
    declares: it would not revoke them. Where none are stored, the key is just not there."""
    path = tmp_path / "config.yaml"
    path.write_text(f"virtual_keys: [{{name: svc, value: env.UNSET}}, {{name: other, {KEY}}}]\n{GROQ}\n")
    options = Options(data_dir=tmp_path / "data", config=path)
    assert len(compile_config(options, {}).declared[VIRTUAL_KEY]) == 1
    compiled = compile_config(
        options, {}, stored=Stored(has_keys=True, owners=frozenset({("key", "svc"), ("key", "mine")}))
    )
    keys = Keys()
    keys.configure(bytes.fromhex(compiled.snapshot.pepper.reveal()), open_access=False)
    for digest, payload in compiled.declared[VIRTUAL_KEY].items():
        keys.put(digest, payload)
    for name, value in (("svc", b"sk-asb-of-svc"), ("mine", b"sk-asb-of-mine")):
        digest = digest_of(value, bytes.fromhex(compiled.snapshot.pepper.reveal()))
        keys.put(digest, msgspec.msgpack.encode(KeyEntry(name, ("*",))))
    assert keys.identify((b"sk-asb-of-mine", b"", b"")).name == "mine"
    with pytest.raises(Unauthenticated, match="declares another one"):
        keys.identify((b"sk-asb-of-svc", b"", b""))
