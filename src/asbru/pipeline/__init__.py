"""Floor 5: the path of one call, and what runs it.

Here: the stepper. Not here: bytes of the wire (edge, upstream, dialects), and decisions of a single concern (rooms).
"""

from asbru.pipeline.stepper import Stepper, in_task, pause

__all__ = ["Stepper", "in_task", "pause"]
