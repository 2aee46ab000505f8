"""The guide "Use as a library": its programs run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "library.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
SAID = ("mock None\nSay hello.2\n", "Hello req_", "404 model_not_found the model 'unheard-of' is unknown")
RUN_S = 120.0


@pytest.mark.parametrize(("block", "said"), list(zip(BLOCKS, SAID, strict=True)), ids=["chat", "call", "errors"])
def test_the_programs_run(block: str, said: str, tmp_path: Path) -> None:
    """Each ends well, warns of nothing that Python knows of, and says what the guide promises."""
    argv = [sys.executable, "-W", "error", "-c", block]
    done = subprocess.run(argv, cwd=tmp_path, env={}, capture_output=True, text=True, timeout=RUN_S, check=False)
    assert done.returncode == 0, done.stderr
    assert said in done.stdout


def test_importing_is_cheap() -> None:
    """What `import asbru` loads has neither the compiler of configurations nor the data plane."""
    program = "import sys, asbru; print(*sorted(name for name in sys.modules if name.startswith('asbru.')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=RUN_S)
    assert done.stdout.split() == []
