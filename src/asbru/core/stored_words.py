"""How a provider says what OpenAI says of files and batches, as data: other names, another form of the same.

What is not named here is the same for both. The codec is `pipeline/objects/words.py`.
"""

from __future__ import annotations

from typing import Final

import msgspec


class StoredWords(msgspec.Struct, frozen=True, kw_only=True):
    """`asked`: members of the request for a batch, by OpenAI's names, that the provider calls otherwise; `hours`: the
    member that says the `completion_window` as a number of hours. `told`: members of its replies, by its own names;
    `listed`: of all of these, those that are lists where OpenAI has one id. `counts`: its numbers of requests, by the
    names in OpenAI's `request_counts`. `inside`: the member in which some replies hold the object. `error`: the member
    that says why a batch failed, as a text or a list. `times`: those that are dates as text, for OpenAI seconds.
    `statuses`: its words for the state of a batch; one that is not named becomes lower case.
    `purposes`: of files, by OpenAI's words. `file_name`: the field of a form that must say the file's name, too."""

    asked: dict[str, str] = {}
    hours: str = ""
    told: dict[str, str] = {}
    listed: tuple[str, ...] = ()
    counts: dict[str, str] = {}
    inside: str = ""
    error: str = ""
    times: tuple[str, ...] = ()
    statuses: dict[str, str] = {}
    purposes: dict[str, str] = {}
    file_name: str = ""


AS_OPENAI: Final = StoredWords()
"""A provider that keeps files and batches as OpenAI does."""
