"""Asbru: an AI gateway. One endpoint between applications or agents and every model provider.

Start reading at `edge/surfaces/openai.py`, `pipeline/serve.py`, `pipeline/attempts.py` and
`upstream/connection.py`; `ARCHITECTURE.md` draws the floors.
"""

__version__ = "0.1.0"
