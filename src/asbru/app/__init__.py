"""Floor 7: the only builder. Configuration -> snapshot -> objects -> run -> reload -> close.

Kept free of imports: the supervisor, the workers and the bookkeeper are separate processes, each of which loads
only what it needs.
"""

__all__: list[str] = []
