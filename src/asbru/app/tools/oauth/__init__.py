"""OAuth 2.1 to MCP servers: where a server is authorized, as which client, by whom, and the tokens that come of it.

Every fetch is under the outbound policy of its server. Tokens are sealed at rest and leave this process only as the
header of a request to the server that they are for.
"""

from asbru.app.tools.oauth.flows import CALLBACK_PATH, CLIENT_PATH, Flows, client_document
from asbru.app.tools.oauth.grants import Grants
from asbru.app.tools.oauth.store import GrantStore

__all__ = ["CALLBACK_PATH", "CLIENT_PATH", "Flows", "GrantStore", "Grants", "client_document"]
