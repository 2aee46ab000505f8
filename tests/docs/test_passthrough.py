"""The guide "Passthrough": its configuration is compiled and its command's request served."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.boot import Options
from asbru.app.compile import ConfigRefusedError, compile_config
from asbru.app.snapshot import Snapshot

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "passthrough.md").read_text()


def test_the_configuration_compiles(tmp_path: Path) -> None:
    """The surface that the key names is known, and a misspelled one is refused."""
    example = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)[0]
    env = {"OPENAI_API_KEY": "sk-openai", "RESEARCH_KEY": "sk-asb-0123456789abcdef"}
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text(example)
    compile_config(options, env, dry=True)
    (tmp_path / "config.yaml").write_text(example.replace("openai, passthrough", "openai, passthru"))
    with pytest.raises(ConfigRefusedError, match="there is no surface 'passthru'"):
        compile_config(options, env, dry=True)


def test_the_command_reaches_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """The path of the example is asked of the provider, below its base URL."""
    found = re.search(r'curl "http://localhost:8080([^"\s]+)"', TEXT)
    assert found is not None
    inside = Inside(Snapshot(providers=(provider("openai"),)), monkeypatch)
    inside.script("openai", answer(200, b'{"data":[]}'))
    assert inside.call(found[1], method="GET").status == 200
    assert inside.requests[0][1].startswith(b"GET /v1/models?limit=3 HTTP/1.1\r\n")
