"""When a changed file counts: after two polls that agree, once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from asbru.app.watch import FileWatch, Signature, signature_of


class Disk:
    """A disk whose files' versions are set by hand."""

    def __init__(self, **versions: int) -> None:
        self.versions = versions

    def sign(self, paths: Iterable[str]) -> Signature:
        """What `stat` would tell."""
        return tuple((path, 0, 0, self.versions[path], 0) if path in self.versions else None for path in paths)


def test_change_counts_once_it_has_settled() -> None:
    """A file being written is not acted on until two polls agree."""
    disk = Disk(a=1)
    watch = FileWatch(["a"], disk.sign)
    polls = []
    for version in (1, 2, 3, 3, 3, 3):
        disk.versions["a"] = version
        polls.append(watch.poll())
    assert polls == [False, False, False, True, False, False]


def test_file_that_comes_and_goes_counts() -> None:
    """Appearing and vanishing are changes; a change undone between polls is none."""
    disk = Disk()
    watch = FileWatch(["a"], disk.sign)
    disk.versions["a"] = 1
    assert [watch.poll(), watch.poll()] == [False, True]
    del disk.versions["a"]
    assert [watch.poll(), watch.poll()] == [False, True]
    disk.versions["a"] = 1
    assert not watch.poll()
    del disk.versions["a"]
    assert [watch.poll(), watch.poll(), watch.poll()] == [False, False, False]


def test_following_other_files_keeps_what_was_acted_on() -> None:
    """A change that happened while the list changed is not lost; a new file starts as it is."""
    disk = Disk(a=1, b=1)
    watch = FileWatch(["a"], disk.sign)
    disk.versions["a"] = 2
    watch.follow(["a", "b"])
    assert [watch.poll(), watch.poll(), watch.poll()] == [False, True, False]


def test_symlink_swap_changes_the_signature(tmp_path: Path) -> None:
    """The signature is of the file behind the link."""
    for name in ("one", "two"):
        (tmp_path / name).write_text("x")
    link = tmp_path / "link"
    link.symlink_to("one")
    before = signature_of([str(link)])
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").replace(link)
    assert signature_of([str(link)]) != before
    assert signature_of([str(tmp_path / "none")]) == (None,)
