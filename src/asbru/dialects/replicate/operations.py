"""What a provider of this dialect can be asked: for images.

Source: https://replicate.com/docs/reference/http#predictions.create
"""

from __future__ import annotations

from asbru.dialects.contract import Operation
from asbru.dialects.replicate import images

OPERATIONS = (
    Operation(
        name="images",
        surface="predictions",
        path="/predictions",
        read_head=images.read_head,
        speaks=False,
        shape=images.SHAPE,
        usage_of=images.usage_of,
        charge=images.charge,
        by_token=False,
    ),
)
