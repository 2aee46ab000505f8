"""Identity: who may use the management API: users with passwords, sessions, tokens, roles.

Passwords are hashed by argon2id, sessions and tokens (which are random) by SHA-256; none can be read back. It refuses
to know HTTP, and what a role may do to what. Virtual keys, the callers' own, are `governance`.
"""

from asbru.identity import roles
from asbru.identity.accounts import Accounts, Session, Token, User, session_id
from asbru.identity.actor import Actor
from asbru.identity.passwords import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, hash_password, is_password
from asbru.identity.throttle import Throttle

__all__ = [
    "PASSWORD_CHARS_MAX",
    "PASSWORD_CHARS_MIN",
    "Accounts",
    "Actor",
    "Session",
    "Throttle",
    "Token",
    "User",
    "hash_password",
    "is_password",
    "roles",
    "session_id",
]
