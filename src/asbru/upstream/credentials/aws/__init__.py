"""Credentials of AWS: requests signed with Signature Version 4, and where the keys for it come from.

    sign            the header lines of one request; pure
    AwsKeys         an access key, perhaps with a session token
    AwsKeySettings  where keys come from: given, or found in the environment, files, a container, an instance; a role
    credential_of   the credential that signs with them

It refuses to know what is asked of which service, to print a secret, or to fetch anything by itself: that is what
`TokenCredential` does.
"""

from asbru.upstream.credentials.aws.settings import AwsKeySettings, read_settings
from asbru.upstream.credentials.aws.sigv4 import AwsKeys, Scope, sign
from asbru.upstream.credentials.aws.sources import credential_of

__all__ = ["AwsKeySettings", "AwsKeys", "Scope", "credential_of", "read_settings", "sign"]
