"""What stores across the network have in common: failures and rests, writes that wait in line, and sealed bytes."""

from asbru.cache.remote.remote import PROBLEMS, Loop, Remote
from asbru.cache.remote.seal import SEAL_BYTES, Seal

__all__ = ["PROBLEMS", "SEAL_BYTES", "Loop", "Remote", "Seal"]
