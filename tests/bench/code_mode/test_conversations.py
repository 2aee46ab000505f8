"""Conversations: the end state is compared whole, and a task that goes wrong is told."""

from typing import Any

from bench.code_mode.conversations import Conversations
from bench.code_mode.direct import Direct
from bench.code_mode.model import classic
from bench.code_mode.rounds import ROUNDS, opened
from bench.code_mode.serve import ToolServers


class _Spoiled(Direct):
    """Does one thing more, with the first update."""

    def __init__(self, servers: ToolServers) -> None:
        super().__init__(servers)
        self._servers_too = servers

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        if name == "tickets__update_ticket":
            self._servers_too.call("wiki", "update_page", {"id": "WIPAG-0001", "views": 1})
        return super().call(name, arguments)


def test_whatever_else_was_changed_is_seen() -> None:
    """A record that the task does not name, on a server that it does not need, fails the task; the next one begins
    anew."""
    servers, todo = opened(ROUNDS[0])
    assert todo[0].name == "set_where" and "tickets" in todo[0].prompt
    outcome = Conversations(servers, _Spoiled(servers), classic).have_done(todo[:2])
    assert outcome.failed == {0: "set_where: the end state of wiki/pages is wrong"}
    assert len(outcome.round_trips) == 2


def test_what_was_not_done_is_seen() -> None:
    """A tool that says that it did something and did not, too; and one that refuses."""
    servers, todo = opened(ROUNDS[0])

    class Lazy(Direct):
        def call(self, name: str, arguments: dict[str, Any]) -> str:
            return "{}" if "update" in name else super().call(name, arguments)

    class Refusing(Direct):
        def call(self, name: str, arguments: dict[str, Any]) -> str:
            return super().call(name, {**arguments, "colour": "red"})

    outcome = Conversations(servers, Lazy(servers), classic).have_done(todo[:1])
    assert outcome.failed == {0: "set_where: the end state of tickets/tickets is wrong"}
    outcome = Conversations(servers, Refusing(servers), classic).have_done(todo[:1])
    assert "no argument 'colour'" in outcome.failed[0]
