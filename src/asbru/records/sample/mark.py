"""How a record of the sample is told from others. The bookkeeper knows this much of it, and loads no more."""

from typing import Final

MARK: Final = "5a3b1e00"
"""Where the ids of other records have digits of their process."""
