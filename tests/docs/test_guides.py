"""The guides against the code: error codes, attempts, paths, headers, limits. What the code has, the pages name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import asbru
from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.snapshot import Limits
from asbru.core import errors
from asbru.dialects import discover
from asbru.dialects.anthropic_messages.errors import error_type
from asbru.edge.server.request import HeaderAction, HeaderPlans
from asbru.edge.surfaces import routes_of
from asbru.pipeline import attempts
from asbru.routing.rules import Asked, Rules
from asbru.routing.rules.expression import MAPS, VARIABLES
from asbru.upstream.response_headers import allowed_lines

PACKAGE = Path(asbru.__file__).parent
GUIDES = PACKAGE.parent.parent / "docs" / "guides"
DIALECTS = discover()
NOT_OURS = PACKAGE / "providers"
"""The mock plays providers: its codes are theirs."""


def guide(name: str) -> str:
    """The text of a guide."""
    return (GUIDES / f"{name}.md").read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    """The cells of every table row whose first cell is one name in backticks."""
    lines = re.findall(r"^\| (`[a-z_]+` \|.*) \|$", text, re.MULTILINE)
    return [[cell.strip().strip("`") for cell in line.split(" | ")] for line in lines]


def codes_in(tree: ast.AST) -> set[str]:
    """The texts given as `code=` in calls, or as `code = ` in classes; either side of an `or` counts."""
    found: set[str] = set()
    for node in ast.walk(tree):
        value: ast.expr | None = None
        if isinstance(node, ast.keyword) and node.arg == "code":
            value = node.value
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == "code" for target in targets):
                value = node.value
        parts = value.values if isinstance(value, ast.BoolOp) else [value]
        found |= {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    return found


def test_every_error_code_has_its_row() -> None:
    """docs/guides/errors.md explains each code that Asbru gives an error, and no other."""
    used: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        if NOT_OURS not in path.parents:
            used |= codes_in(ast.parse(path.read_text(encoding="utf-8")))
    assert {row[0] for row in rows(guide("errors"))} == used


def classes(root: type[errors.AsbruError]) -> list[type[errors.AsbruError]]:
    """An error and all below it."""
    return [root, *(found for below in root.__subclasses__() for found in classes(below))]


def test_error_rows_tell_status_and_types() -> None:
    """A row's status and types are the class's, where a code is a class's own; Anthropic's follow from them."""
    kinds = {kind.code: kind for kind in classes(errors.AsbruError)}
    for code, status, openai, anthropic, cause, remedy in rows(guide("errors")):
        assert cause and remedy
        assert error_type(openai, int(status)) == anthropic, code
        if code in kinds:
            assert (int(status), openai) == (kinds[code].status, kinds[code].type), code


def test_the_table_of_attempts_is_the_code_s() -> None:
    """The table of reactions is the same in the guide and at the top of pipeline/attempts.py."""
    table = (attempts.__doc__ or "").partition("what happens next\n")[2].partition("\n\n")[0]
    wanted = [re.split(r" {2,}", line.strip()) for line in table.splitlines()]
    text = guide("providers-and-fallbacks").partition("## How Asbru reacts")[2].partition("\n*Network*")[0]
    told = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    assert wanted and wanted == told[2:]


@pytest.mark.parametrize(
    "path",
    sorted({route.path.removeprefix("/openai") for route in routes_of(DIALECTS.values()) if "{" not in route.path}),
)
def test_every_path_is_named(path: str) -> None:
    """docs/guides/http.md names every path, those under /openai as being also there."""
    shown = path.replace("/anthropic/v1/models", "/anthropic/v1")
    assert re.search(rf"[` ]{re.escape(shown)}`", guide("http"))


def test_carried_headers_are_named() -> None:
    """The headers that travel are those the page lists, to providers and back."""
    lists = {
        row[0]: row[1] for row in re.findall(r"^\| ((?:to|back) [^|]*) \| (.*) \|$", guide("http"), re.MULTILINE)
    }
    anywhere = re.findall(r"`([a-z0-9-]+)`", lists["to any provider"])
    plans = HeaderPlans(prefix for dialect in DIALECTS.values() for prefix in dialect.header_prefixes)
    assert {plans.action_of(name.encode()) for name in anywhere} == {HeaderAction.FORWARD}
    source = (PACKAGE / "edge" / "server" / "request.py").read_text(encoding="utf-8")
    assert sorted(re.findall(r'b"([a-z0-9-]+)": HeaderAction\.FORWARD,', source)) == sorted(anywhere)
    assert plans.action_of(b"openai-beta") == plans.action_of(b"anthropic-beta") == HeaderAction.FORWARD_TO_DIALECT
    assert DIALECTS["openai_chat"].headers_withheld == {b"openai-organization", b"openai-project"}
    assert plans.action_of(b"x-stainless-lang") == HeaderAction.IGNORE
    for name in re.findall(r"`([a-z*-]+)`", lists["back to the caller"]):
        line = f"{name.replace('*', 'x')}: v\r\n".encode()
        head = b"HTTP/1.1 200 OK\r\nset-cookie: no\r\n" + line + b"\r\n"
        assert allowed_lines(head, len(head) - 2) == line


def test_every_limit_is_explained() -> None:
    """docs/guides/http.md says of each limit what happens beyond it."""
    page = guide("http")
    assert [name for name in Limits.__struct_fields__ if f"`{name}`" not in page] == []


def test_the_rules_of_the_routing_guide_do_what_it_says(tmp_path: Path) -> None:
    """The first example: Claude Code goes to Groq, all others to Anthropic. It is read from the page and compiled."""
    example = re.findall(r"```yaml\n(.*?)```", guide("routing"), re.DOTALL)[0]
    (tmp_path / "config.yaml").write_text(example)
    env = {"GROQ_API_KEY": "groq-key", "ANTHROPIC_API_KEY": "anthropic-key"}
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    rules = Rules(compile_config(options, env, dry=True).snapshot.routing_rules)
    for agent, provider in (("claude-cli/2.0 (external, cli)", "groq"), ("curl/8", "anthropic")):
        asked = Asked("openai", "gpt-5", "", "", "", {"headers": {"user-agent": agent}})
        decision = rules.decide(asked, 0.0, [])
        assert decision is not None and decision.provider == provider


def test_the_examples_of_the_tools_guide_compile(tmp_path: Path) -> None:
    """Servers, groups, lists of keys and limits of tools, as the guide writes them, without a warning."""
    examples = re.findall(r"```yaml\n(.*?)```", guide("mcp"), re.DOTALL)
    (tmp_path / "config.yaml").write_text("\n".join(examples))
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    compiled = compile_config(options, {}, dry=True)
    assert set(compiled.snapshot.mcp.servers) == {"files", "search", "wiki"}
    assert [str(one) for one in compiled.warnings if "mcp" in str(one) or "MCP" in str(one)] == []


def test_the_routing_guide_names_every_variable() -> None:
    """Its table of variables has all that a condition may read."""
    told = set(
        re.findall(
            r"`([a-z_]+)(?:\[\"name\"\])?`", guide("routing").partition("### Conditions")[2].partition("\n\n\n")[0]
        )
    )
    assert {*VARIABLES, *MAPS} <= told


def test_the_examples_of_the_observability_guide_compile(tmp_path: Path) -> None:
    """Both sections are read from the page and compiled with the demo's provider: spans go where the page says."""
    examples = re.findall(r"```yaml\n(.*?)```", guide("observability"), re.DOTALL)
    (tmp_path / "config.yaml").write_text("providers: {mock: {}}\n" + "".join(examples))
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    snapshot = compile_config(options, {}, dry=True).snapshot
    assert snapshot.tracing is not None
    assert snapshot.tracing.endpoint == "http://localhost:4318/v1/traces"
    assert (snapshot.tracing.sample_ratio, snapshot.tracing.resource["service.name"]) == (0.01, "asbru-eu")
    assert (snapshot.metrics.series_max, snapshot.metrics.tags) == (20_000, ("environment",))


def test_the_observability_guide_names_every_attribute() -> None:
    """Its table has each attribute that `pipeline.spans` writes, and no other."""
    source = (PACKAGE / "pipeline" / "spans.py").read_text(encoding="utf-8")
    written = set(re.findall(r'"((?:gen_ai|asbru|http|server|error)\.[a-z_.]+)"', source))
    table = guide("observability").partition("### Attributes")[2].partition("\nA span is marked")[0]
    told = set(re.findall(r"`((?:gen_ai|asbru|http|server|error)\.[a-z_.]+)`", table))
    assert told | {"asbru.reason"} == written
