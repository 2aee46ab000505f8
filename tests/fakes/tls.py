"""Certificates for tests, made at test time with the `openssl` command: a CA and a server it vouches for.

authority = Authority(tmp_path)
FakeUpstream(tls=authority.server_context())          # names: localhost and 127.0.0.1
ssl.create_default_context(cadata=authority.ca_pem)   # a client that trusts it
"""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

NAMES = "DNS:localhost,DNS:*.localhost,IP:127.0.0.1"


class Authority:
    """A CA in `folder`; EC keys, valid for two days."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._key = folder / "ca.key"
        extensions = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        self._openssl(
            "req", "-x509", *self._new_key(self._key), "-subj", "/CN=Asbru test CA", *extensions, out=self.ca_file
        )

    @property
    def ca_pem(self) -> str:
        """The CA's certificate."""
        return self.ca_file.read_text()

    def server_files(self, name: str = "server", names: str = NAMES) -> tuple[Path, Path]:
        """(certificate, key) of a server; `names` in openssl's words for subjectAltName."""
        certificate, key, request = (self._folder / f"{name}.{end}" for end in ("pem", "key", "csr"))
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n")
        self._openssl("req", *self._new_key(key), "-subj", f"/CN={name}", out=request)
        vouching = ["-CA", str(self.ca_file), "-CAkey", str(self._key), "-CAcreateserial", "-days", "2"]
        self._openssl("x509", "-req", "-in", str(request), *vouching, "-extfile", str(extensions), out=certificate)
        return certificate, key

    def server_context(self, names: str = NAMES) -> ssl.SSLContext:
        """A server's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server_files(names=names))
        return context

    def _new_key(self, path: Path) -> list[str]:
        made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        return [*made, "-keyout", str(path)]

    def _openssl(self, *arguments: str, out: Path) -> None:
        subprocess.run(["openssl", *arguments, "-out", str(out)], check=True, capture_output=True, timeout=60)
