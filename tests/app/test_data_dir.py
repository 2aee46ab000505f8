"""The data directory's secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from asbru.app.data_dir import (
    ensure_data_dir,
    generated_key,
    load_pepper,
    new_virtual_key,
    write_private,
)
from asbru.governance import digest_of


def test_pepper_is_made_once_and_private(tmp_path: Path) -> None:
    """The pepper is random, the same at every start, and its owner's alone."""
    data_dir = ensure_data_dir(tmp_path / "a" / "b")
    pepper = load_pepper(data_dir)
    assert load_pepper(data_dir) == pepper
    assert (data_dir / "pepper").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in data_dir.iterdir()] == ["pepper"]
    assert load_pepper(ensure_data_dir(tmp_path / "c")) != pepper


def test_damaged_secrets_are_errors(tmp_path: Path) -> None:
    """A cut pepper or digest is refused, not used."""
    (tmp_path / "pepper").write_bytes(b"short")
    with pytest.raises(ValueError, match="damaged"):
        load_pepper(tmp_path)
    (tmp_path / "generated-key.digest").write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        generated_key(tmp_path, b"p" * 32)


def test_generated_key_is_told_once(tmp_path: Path) -> None:
    """The first call tells the key, later ones only its digest."""
    digest, key = generated_key(tmp_path, b"p" * 32)
    assert key is not None
    assert digest_of(key.reveal().encode(), b"p" * 32) == digest
    assert generated_key(tmp_path, b"p" * 32) == (digest, None)
    assert key.reveal().encode() not in (tmp_path / "generated-key.digest").read_bytes()


def test_keys_have_their_form() -> None:
    """`sk-asb-` and 32 characters, never twice the same."""
    keys = {new_virtual_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(key.startswith("sk-asb-") and len(key) == 39 for key in keys)


def test_private_files_are_written_whole(tmp_path: Path) -> None:
    """An existing file is replaced, keeps nothing of its old mode, and leaves no temporary beside it."""
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_private(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
