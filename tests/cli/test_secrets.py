"""`asbru secrets rekey`."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from asbru.cli import commands
from asbru.secrets import SecretStore, load_keyring
from asbru.storage import DATABASE_NAME, open_database, sqlite_url


def test_rekeying_a_data_directory(tmp_path: Path) -> None:
    """Every secret opens with the new key alone; a lost key is told, and nothing is changed."""
    database = open_database(sqlite_url(tmp_path / DATABASE_NAME))
    old = load_keyring(tmp_path, {})
    SecretStore(database).save(old, "provider", "acme", {"proxy": "p"})
    arguments = ["rekey", "--data-dir", str(tmp_path)]
    ran = CliRunner().invoke(commands()["secrets"], arguments)
    assert (ran.exit_code, ran.output) == (0, "1 secret(s) sealed anew\n")
    new = load_keyring(tmp_path, {})
    assert new.current_id != old.current_id and len(new.by_id) == 1
    assert SecretStore(database).load(new, "provider", "acme") == {"proxy": "p"}
    (tmp_path / "seal.key").unlink()
    ran = CliRunner().invoke(commands()["secrets"], arguments)
    assert ran.exit_code == 1 and "not among those given" in ran.output
    database.close()
