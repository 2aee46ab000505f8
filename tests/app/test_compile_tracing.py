"""The section `tracing`: what comes from the file, from OpenTelemetry's variables, and from nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from asbru.app import compile_tracing as module
from asbru.app.boot import Options
from asbru.app.compile import Compiled, compile_config
from asbru.app.config import ConfigRefusedError
from asbru.app.snapshot import read_snapshot, write_snapshot

MOCK = "providers: {mock: {}}\n"


@pytest.fixture
def build(tmp_path: Path):
    """Compile a section `tracing` with an environment."""

    def build(section: str, **env: str) -> Compiled:
        path = tmp_path / "config.yaml"
        path.write_text(f"{MOCK}tracing: {section}\n")
        return compile_config(Options(data_dir=tmp_path / "data", config=path), env, dry=True)

    return build


def test_off_unless_the_file_says_so(build) -> None:
    """Variables alone switch nothing on: they may be there for other processes."""
    assert build("{}", OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4318").snapshot.tracing is None


def test_defaults(build) -> None:
    """Without anything else: HTTP to this machine, every trace, both formats."""
    found = build("{enabled: true}").snapshot.tracing
    assert (found.endpoint, found.protocol) == ("http://localhost:4318/v1/traces", "http/protobuf")
    assert (found.sample_ratio, found.propagators) == (1.0, ("tracecontext", "b3"))
    assert found.resource["service.name"] == "asbru"


@pytest.mark.parametrize(
    ("section", "env", "endpoint"),
    [
        ("endpoint: http://c:9", {}, "http://c:9/v1/traces"),
        ("endpoint: http://c:9/", {}, "http://c:9/v1/traces"),
        ("endpoint: http://c:9/otlp/v1/traces", {}, "http://c:9/otlp/v1/traces"),
        ("endpoint: 'http://c:9', protocol: grpc", {}, "http://c:9"),
        ("protocol: grpc", {}, "http://localhost:4317"),
        ("", {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://e:1/x"}, "http://e:1/x/v1/traces"),
        ("", {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://e:1/x"}, "http://e:1/x"),
        ("", {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://e:1"}, "http://e:1"),
    ],
)
def test_where_spans_go(build, section: str, env: dict[str, str], endpoint: str) -> None:
    """The file's URL, else the variable for traces as it stands, else the general one with the path of traces."""
    assert build(f"{{enabled: true, {section}}}", **env).snapshot.tracing.endpoint == endpoint


def test_the_file_comes_before_the_variables(build) -> None:
    """Each setting of the file wins; headers and attributes are added to those of the variables."""
    found = build(
        "{enabled: true, sample_ratio: 0.25, service_name: edge, propagators: [b3], headers: {X-A: env.TOKEN}, "
        "resource_attributes: {deployment.environment.name: prod}}",
        TOKEN="t1",
        OTEL_TRACES_SAMPLER="always_off",
        OTEL_SERVICE_NAME="other",
        OTEL_PROPAGATORS="tracecontext",
        OTEL_EXPORTER_OTLP_HEADERS="x-a=no,x-b=b%2Cc",
        OTEL_RESOURCE_ATTRIBUTES="region=eu,service.name=third",
    ).snapshot.tracing
    assert (found.sample_ratio, found.propagators) == (0.25, ("b3",))
    assert {name: value.reveal() for name, value in found.headers.items()} == {"x-a": "t1", "x-b": "b,c"}
    assert (
        found.resource.items()
        >= {"service.name": "edge", "region": "eu", "deployment.environment.name": "prod"}.items()
    )


@pytest.mark.parametrize(
    ("sampler", "argument", "ratio", "warned"),
    [
        ("always_off", "", 0.0, False),
        ("parentbased_always_on", "", 1.0, False),
        ("parentbased_traceidratio", "0.1", 0.1, False),
        ("traceidratio", "7", 1.0, True),
        ("traceidratio", "much", 1.0, True),
        ("jaeger_remote", "", 1.0, True),
    ],
)
def test_the_sampler_s_variables(build, sampler: str, argument: str, *, ratio: float, warned: bool) -> None:
    """OTEL_TRACES_SAMPLER and its argument; what is not supported is a warning, not an error."""
    compiled = build("{enabled: true}", OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG=argument or "1")
    assert compiled.snapshot.tracing.sample_ratio == ratio
    assert any("OTEL_TRACES_SAMPLER" in str(one) for one in compiled.warnings) is warned


def test_unknown_words_in_variables_are_warnings(build) -> None:
    """A protocol or a propagator that Asbru does not have."""
    compiled = build(
        "{enabled: true}", OTEL_EXPORTER_OTLP_PROTOCOL="http/json", OTEL_PROPAGATORS="xray,b3multi,baggage"
    )
    assert compiled.snapshot.tracing.propagators == ("b3",)
    assert [name for name in ("http/json", "xray", "baggage") if name in str(list(map(str, compiled.warnings)))] == [
        "http/json",
        "xray",
        "baggage",
    ]


def test_a_header_that_is_none_is_refused(build) -> None:
    """A line break in a value, or a space in a name."""
    with pytest.raises(ConfigRefusedError) as refused:
        build('{enabled: true, headers: {"a b": c, d: "e\\nf"}}')
    assert len(refused.value.problems) == 2


def test_without_the_extra_it_is_refused(build, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what to install."""
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigRefusedError, match=r"asbru\[otel\]"):
        build("{enabled: true}")


def test_secrets_travel_in_the_snapshot_alone(build) -> None:
    """The snapshot carries headers to workers, and no representation shows them."""
    snapshot = build("{enabled: true, headers: {x: hush-hush}}").snapshot
    assert read_snapshot(write_snapshot(snapshot)) == snapshot
    assert "hush" not in repr(snapshot)
