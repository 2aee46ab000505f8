"""The section `mcp`, checked: what could never work is refused, with its place; what has no effect is a warning."""

from __future__ import annotations

from pathlib import Path

import pytest

from asbru.app.boot import Options
from asbru.app.compile import Compiled, compile_config
from asbru.app.config import ConfigRefusedError


def _compiled(tmp_path: Path, text: str) -> Compiled:
    (tmp_path / "config.yaml").write_text(text)
    return compile_config(Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml"), {}, dry=True)


DOCUMENT = '{"openapi": "3.0.0", "paths": {"/a": {"get": {"operationId": "list"}}}}'


def _api(more: str) -> str:
    return f"servers: {{a: {{openapi: {{document: {DOCUMENT!r}, base_url: 'http://x', {more}}}}}}}"


@pytest.mark.parametrize(
    ("section", "place", "words"),
    [
        ("servers: {a: {}}", "mcp.servers.a", "either `url` or `command`"),
        ("servers: {a: {url: 'http://x', command: [x]}}", "mcp.servers.a", "either `url` or `command`"),
        ("servers: {a: {command: [x], headers: {b: c}}}", "mcp.servers.a", "are for servers with a `url`"),
        ("servers: {a: {url: 'http://x', args: [y]}}", "mcp.servers.a", "are for servers with a `command`"),
        ("servers: {a: {url: 'http://x', headers: {b: \"c\\n\"}}}", "mcp.servers.a.headers", "cannot be sent"),
        ("servers: {a__b: {url: 'http://x'}}", "mcp.servers.a__b", "lower-case letters and digits"),
        ("servers: {a: {url: 'ftp://x'}}", "mcp.servers.a.url", "http:// or https://"),
        ("rules: [{name: r, when: 'nothing == 1'}]", "mcp.rules.0.when", "unknown variable 'nothing'"),
        ("rules: [{name: r, when: 'arguments.a.all(x, true)'}]", "mcp.rules.0.when", "cannot contain loops"),
        ("rules: [{name: r}, {name: r}]", "mcp.rules.1.name", "used twice"),
        ("servers: {a: {openapi: {}}}", "mcp.servers.a.openapi", "either `file` or `document`"),
        ("servers: {a: {openapi: {file: /no}, url: 'http://x'}}", "mcp.servers.a", "or `openapi`"),
        ("servers: {a: {openapi: {file: /no}}}", "openapi.file", "cannot read /no"),
        ("servers: {a: {openapi: {document: '{}'}}}", "openapi.document", "format 2.1"),
        (f"servers: {{a: {{openapi: {{document: {DOCUMENT!r}}}}}}}", "a.openapi", "set `base_url`"),
        (_api("operations: [lst]"), "openapi.operations", "did you mean 'list'"),
        (_api("credentials: {key: x}"), "credentials.key", "no scheme"),
        (_api("forward: {a: 'Bearer {Authorization}'}"), "forward.a", "identifies the caller"),
        (_api("forward: {a: fixed}"), "forward.a", "names no header"),
        ("{servers: {a: {url: 'http://x'}}, groups: {a: [a]}}", "mcp.groups.a", "also the name of a server"),
    ],
)
def test_what_cannot_work_is_refused(tmp_path: Path, section: str, place: str, words: str) -> None:
    """Each with its place in the file."""
    mcp = section if section.startswith("{") else f"{{{section}}}"
    with pytest.raises(ConfigRefusedError) as refused:
        _compiled(tmp_path, f"mcp: {mcp}\n")
    told = [str(problem) for problem in refused.value.problems]
    assert any(place in one and words in one for one in told), told


def test_names_of_servers_that_there_are_not(tmp_path: Path) -> None:
    """In groups, lists of keys and limits: warnings, with the nearest name. Globs and groups are no servers."""
    compiled = _compiled(
        tmp_path,
        """
mcp: {servers: {files: {url: "http://x"}}, groups: {g: [file/x, "*/read"]}}
virtual_keys: [{name: k, value: sk-asb-0123456789, mcp: [g, files, filse/x, "*"]}]
governance: {limits: [{scope: tool, name: fils/x, rate_limits: [{metric: requests, amount: 1}]}]}
""",
    )
    told = [str(one) for one in compiled.warnings]
    for name in ("file", "filse", "fils"):
        assert any(f"no MCP server '{name}'" in one and "files" in one for one in told), told
    assert sum("no MCP server" in one for one in told) == 3
