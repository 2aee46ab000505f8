"""Dialling: the TLS contexts. What dials over real sockets is in the journeys."""

from __future__ import annotations

import ssl
from pathlib import Path

from tests.fakes.tls import Authority

from asbru.upstream import TlsContexts
from asbru.upstream.origin import TlsTrust


def test_one_context_for_each_way_to_trust(tmp_path: Path) -> None:
    """Equal trust shares a context, other trust never does: neither its CAs nor its leniency leak."""
    contexts = TlsContexts()
    own = TlsTrust(ca_pem=Authority(tmp_path).ca_pem)
    system, lenient, private = (contexts.context(trust) for trust in (TlsTrust(), TlsTrust(verify=False), own))
    assert len({system, lenient, private}) == 3
    assert contexts.context(TlsTrust(ca_pem=own.ca_pem)) is private
    assert contexts.context(TlsTrust()) is system
    assert system.verify_mode == private.verify_mode == ssl.CERT_REQUIRED
    assert system.check_hostname and private.check_hostname
    assert lenient.verify_mode == ssl.CERT_NONE
    assert len(private.get_ca_certs()) == 1
