"""What models cost and can do, as data: the run side; and how many tokens a request has, where nobody else counts.

`PriceBook` answers from the rows of the snapshot; an unknown model has no price (None), never a
price of zero.
The compile side, `catalog.build`, alone knows the price library; it is imported by the compile process only.
"""

from typing import TYPE_CHECKING

from asbru.catalog.content import Countable, countable, texts_of
from asbru.catalog.prices import MatchClause, PriceBook, PricedModel, find_priced_model
from asbru.catalog.tokens import TokenCounter

if TYPE_CHECKING:
    from asbru.catalog import build, facts, listing

__all__ = [
    "Countable",
    "MatchClause",
    "PriceBook",
    "PricedModel",
    "TokenCounter",
    "build",
    "countable",
    "facts",
    "find_priced_model",
    "listing",
    "texts_of",
]
