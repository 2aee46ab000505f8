"""Certificates for tests, made at test time: a CA and a server it vouches for.

authority = Authority(tmp_path)
FakeUpstream(tls=authority.server_context())          # names: localhost and 127.0.0.1
ssl.create_default_context(cadata=authority.ca_pem)   # a client that trusts it
"""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES = "DNS:localhost,DNS:*.localhost,IP:127.0.0.1"

_SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """A CA in `folder`; EC keys, valid for two days."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Asbru test CA")
        made = self._certificate(self._name, self._key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        made = made.add_extension(_SIGNS_CERTIFICATES, critical=True)
        self._write(self.ca_file, made)

    @property
    def ca_pem(self) -> str:
        """The CA's certificate."""
        return self.ca_file.read_text()

    def server_files(self, name: str = "server", names: str = NAMES) -> tuple[Path, Path]:
        """(certificate, key) of a server; `names` as openssl writes a subjectAltName."""
        certificate, key = (self._folder / f"{name}.{end}" for end in ("pem", "key"))
        own = ec.generate_private_key(ec.SECP256R1())
        made = self._certificate(_named(name), own.public_key())
        made = made.add_extension(x509.SubjectAlternativeName([_general(one) for one in names.split(",")]), False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=False)
        self._write(certificate, made)
        key.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, key

    def server_context(self, names: str = NAMES) -> ssl.SSLContext:
        """A server's TLS context."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.server_files(names=names))
        return context

    def _certificate(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=2))
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return made.add_extension(issuer, critical=False)

    def _write(self, path: Path, made: x509.CertificateBuilder) -> None:
        path.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    kind, _, value = name.partition(":")
    return x509.DNSName(value) if kind == "DNS" else x509.IPAddress(ipaddress.ip_address(value))
