"""The documents: links lead somewhere, records are numbered, and nothing names a host or a machine it should not."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Spelled in halves, so that this file does not find itself.
REGISTRIES = [
    *("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "yarn" + "pkg.com"),
    *("deb." + "debian.org", "security." + "debian.org", "archive." + "ubuntu.com", "crates" + ".io"),
    *("proxy." + "golang.org", "rubygems" + ".org", "conda" + ".anaconda.org", "repo1." + "maven.org"),
]
MACHINE_PATH = re.compile(r"(?<![\w.})-])/(?:wo" + r"rk|ro" + r"ot|home/\w+)/")


def our_files() -> Iterator[Path]:
    """Everything in the checkout that .gitignore does not name: without git, which an archive knows nothing of."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text(encoding="utf-8").split()]
    for folder, folders, files in os.walk(ROOT):
        here = Path(folder)
        folders[:] = [name for name in folders if name != ".git" and not _is_ignored(here / name, ignored)]
        yield from (here / name for name in files if name != ".git" and not _is_ignored(here / name, ignored))


def _is_ignored(path: Path, ignored: list[str]) -> bool:
    """By the name of the path, or all of it where a pattern has a slash."""
    return any(fnmatch(path.relative_to(ROOT).as_posix() if "/" in one else path.name, one) for one in ignored)


def names(requirements: list[str]) -> list[str]:
    """The bare package names of requirement strings."""
    return [re.split(r"[\s<>=!~;\[]", requirement)[0] for requirement in requirements]


def anchors(page: Path) -> set[str]:
    """The fragments that headings of a page offer, as code forges spell them."""
    headings = re.findall(r"^#+ +(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_resolve(page: Path) -> None:
    """Every relative link leads to a file or folder, and its fragment to a heading."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name} links to {target}"
        assert not fragment or fragment in anchors(file), f"{page.name} links to {target}"


def test_no_file_names_a_registry_or_a_machine() -> None:
    """Packages may come from any mirror, and the checkout may lie anywhere: no file of ours says otherwise."""
    found: list[str] = []
    for path in our_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {host}" for host in REGISTRIES if host in text]
        found += [f"{path.relative_to(ROOT)}: {hit}" for hit in MACHINE_PATH.findall(text)]
    assert found == []


def test_decisions_are_numbered_without_gaps() -> None:
    """Records count 0001, 0002, ... and each opens with its own number."""
    records = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [record.name[:4] for record in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for record in records:
        assert record.read_text(encoding="utf-8").startswith(f"# {record.name[:4]}: ")


def test_every_dependency_has_its_line() -> None:
    """Record 0003 has a table row for each package in pyproject.toml and ui/package.json, and for no other."""
    record = (ROOT / "docs" / "decisions" / "0003-dependencies.md").read_text(encoding="utf-8")
    wanted = set(names(PYPROJECT["project"]["dependencies"]))
    for group in (PYPROJECT["dependency-groups"], PYPROJECT["project"].get("optional-dependencies", {})):
        wanted.update(name for requirements in group.values() for name in names(requirements))
    packages = json.loads((ROOT / "ui" / "package.json").read_text(encoding="utf-8"))
    wanted.update(packages["dependencies"], packages["devDependencies"])
    rows = re.findall(r"^\| (`[^|]+`) \|", record, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`([\w@/.-]+)`", row)} == wanted


def test_the_lock_of_the_ui_names_no_host() -> None:
    """Packages are pinned by integrity; where they come from is npm's own setting. All of Mantine is one version."""
    text = (ROOT / "ui" / "package-lock.json").read_text(encoding="utf-8")
    lock = json.loads(text)["packages"]
    assert '"resolved"' not in text
    assert all("integrity" in package for path, package in lock.items() if path and not package.get("link"))
    assert len({package["version"] for path, package in lock.items() if "/@mantine/" in path}) == 1


@pytest.mark.parametrize(
    ("lock", "groups"),
    [
        ("runtime", ()),
        ("run", ("build",)),
        ("dev", ("dev", "build")),
        ("clients", ("dev", "build", "clients")),
        ("uv", ("uv",)),
        ("node", ("node",)),
    ],
)
def test_locks_hold_what_pyproject_asks_for(lock: str, groups: tuple[str, ...]) -> None:
    """Each lock has every direct dependency of its groups, pinned, with hashes and without a URL."""
    text = (ROOT / "locks" / f"{lock}.txt").read_text(encoding="utf-8")
    wanted = set() if lock in ("uv", "node") else set(names(PYPROJECT["project"]["dependencies"]))
    wanted.update(name for group in groups for name in names(PYPROJECT["dependency-groups"][group]))
    pins = re.findall(r"^([\w.-]+)==\S+.* \\\n {4}--hash=sha256:", text, re.MULTILINE)
    assert wanted <= set(pins), "run `make lock`"
    assert "://" not in text
    assert not re.search(r"^--?\w", text, re.MULTILINE)


def test_architecture_lists_the_rooms() -> None:
    """Every package in the tree has its row in ARCHITECTURE.md, and none is still called planned."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    built, _, later = text.partition("## Planned")
    planned = set(re.findall(r"`(\w+)`", later.partition("\n## ")[0])) - {"governance"}
    rooms = {path.parent.name for path in (ROOT / "src" / "asbru").glob("*/__init__.py")}
    assert rooms <= set(re.findall(r"^\| `(\w+)` \|", built, re.MULTILINE))
    assert not rooms & planned
