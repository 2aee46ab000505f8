"""Floor 5: the path of one call. Read `serve`, then `attempts`, then `send` and `streaming`.

It refuses to parse HTTP from callers or to build anything: rooms are given to it.
"""

from asbru.pipeline import leases
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.load import Load
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.serve import serve
from asbru.pipeline.stages import Stage, StageMaker
from asbru.pipeline.stepper import Stepper, in_task, pause

__all__ = [
    "Attempt",
    "Call",
    "Endpoint",
    "Load",
    "Rooms",
    "Stage",
    "StageMaker",
    "Stepper",
    "in_task",
    "leases",
    "pause",
    "serve",
]
