"""Session affinity: the calls of one session keep going to one target and key."""

from asbru.routing.affinity.sessions import AffinitySettings, Binding, SessionName, Sessions, chance_of

__all__ = ["AffinitySettings", "Binding", "SessionName", "Sessions", "chance_of"]
