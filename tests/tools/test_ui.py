"""tools/ui.py: what it decides, without installing or building anything."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tools import bootstrap, ui


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with sources and a build of them."""
    source, built = tmp_path / "ui", tmp_path / "built"
    (source / "src").mkdir(parents=True)
    (source / "node_modules" / "react").mkdir(parents=True)
    (source / "src" / "main.tsx").write_text("main()")
    (source / "node_modules" / "react" / "index.js").write_text("react()")
    built.mkdir()
    for name, path in {"ROOT": tmp_path, "SOURCE": source, "BUILT": built, "STAMP": built / "stamp"}.items():
        monkeypatch.setattr(ui, name, path)
    monkeypatch.setattr(bootstrap, "TOOLS", tmp_path / ".tools")
    (built / "index.html").write_text("built")
    ui.STAMP.write_text(ui.fingerprint(ui.sources()))
    return tmp_path


def test_what_is_built_is_kept_until_a_source_changes(checkout: Path) -> None:
    """Packages and documents are no sources; a changed, added or renamed file is."""
    mark = ui.fingerprint(ui.sources())
    assert ui.is_built(mark)
    (checkout / "ui" / "node_modules" / "react" / "index.js").write_text("changed()")
    (checkout / "ui" / "README.md").write_text("words")
    assert ui.fingerprint(ui.sources()) == mark
    main = checkout / "ui" / "src" / "main.tsx"
    main.rename(main.with_name("start.tsx"))
    assert ui.fingerprint(ui.sources()) != mark


def test_a_build_that_lost_its_page_is_built_again(checkout: Path) -> None:
    """A stamp alone is no build."""
    (checkout / "built" / "index.html").unlink()
    assert not ui.is_built(ui.fingerprint(ui.sources()))


def test_serving_goes_on_without_a_build_that_fails(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For `make run` a failure is a warning with the way out; for `make ui` it is one."""

    def fail() -> None:
        raise subprocess.CalledProcessError(1, ["npm"])

    assert checkout
    (checkout / "ui" / "src" / "main.tsx").write_text("changed()")
    monkeypatch.setattr(ui, "bring_node", fail)
    assert ui.main(["--optional"]) == 0
    assert "make ui" in capsys.readouterr().err
    assert ui.main([]) == 1


def test_without_leave_to_install_tests_are_skipped_with_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not root: no browser is installed, and the command to do it is said."""
    monkeypatch.setattr(ui, "browser", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    ui.bring_browser()
    assert "apt-get install chromium" in capsys.readouterr().err
