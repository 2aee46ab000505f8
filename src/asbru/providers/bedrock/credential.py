"""A key of Bedrock: an API key, or AWS keys that sign.

    value of the key                                             what is sent
    KEY                                                          authorization: Bearer KEY
    {"access_key_id": ..., "secret_access_key": ...}             a signature of these keys
    {"source": "default", "role_arn": ..., "region": ...}        a signature of keys that are fetched

The region of a signature is that of the address, or `region` where the address does not name it. Source:
https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html. Where keys are found: `upstream.credentials.aws`.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from asbru.upstream.credentials import Credential, FixedCredential, KeyMaterial, TokenPorts
from asbru.upstream.credentials.aws import Scope, credential_of, read_settings

SERVICE: Final = "bedrock"
"""The name that signatures for Bedrock's runtime are made for."""
_KEY: Final = re.compile(r"[\x21-\x7e]+")
_REGION: Final = re.compile(r"(?:^|\.)bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.")


def make(material: KeyMaterial, ports: TokenPorts) -> Credential:
    """The credential of a key. Raises ValueError; its words hold nothing of the value."""
    value = material.value.reveal()
    if not value.lstrip().startswith("{"):
        if not _KEY.fullmatch(value):
            raise ValueError("expected a credential of visible ASCII characters without spaces")
        return FixedCredential.of_header("authorization", f"Bearer {value}")
    settings = read_settings(value)
    found = _REGION.search(urlsplit(material.base_url).hostname or "")
    region = settings.region or (found[1] if found else None)
    if region is None:
        raise ValueError("expected `region` in the key, since the address of the provider names none")
    return credential_of(settings, Scope(region, SERVICE), ports)
