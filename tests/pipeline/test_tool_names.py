"""Names of tools: within what the target takes, apart from each other, the same in every turn, known again."""

from __future__ import annotations

import msgspec
import pytest

from asbru.core.chat import ChatRequest, Message, Tool, ToolCallPart, ToolChoice, ToolResultPart
from asbru.pipeline.tool_names import fit_tool_names, notes_of, restored


def ask(*names: str, called: str | None = None) -> ChatRequest:
    parts = () if called is None else (ToolCallPart(id="c", name=called, arguments="{}"),)
    return ChatRequest(
        model="m",
        tools=tuple(Tool(name=name) for name in names),
        tool_choice=ToolChoice(mode="tool", name=names[0]),
        messages=(
            Message(role="assistant", parts=parts),
            Message(role="user", parts=(ToolResultPart(call_id="c", name=called),)),
        ),
    )


def test_names_that_may_stand_are_left_alone() -> None:
    """Nearly every request goes on as it is, the same object."""
    request = ask("get_weather", "a-b", called="old")
    fitted, names = fit_tool_names(request, 64)
    assert fitted is request
    assert names == {}


@pytest.mark.parametrize("name", ["files.read", "x" * 65, "x" * 200, "", "naïve", "a/b:c d"])
def test_other_names_are_fitted(name: str) -> None:
    """Letters and length are the target's, and the way back is told."""
    fitted, names = fit_tool_names(ask(name), 64)
    [written] = names
    assert names == {written: name}
    assert len(written) <= 64
    assert all(letter.isascii() and (letter.isalnum() or letter in "_-") for letter in written)
    [tool] = fitted.tools or ()
    assert isinstance(tool, Tool)
    assert (tool.name, fitted.tool_choice) == (written, ToolChoice(mode="tool", name=written))


def test_different_names_stay_different() -> None:
    """Names that only differ where they are cut or cleaned are written differently, also from one that stands there."""
    _, once = fit_tool_names(ask("a.b"), 64)
    [taken] = once
    alike = ["a.b", "a/b", "x" * 64 + "1", "x" * 64 + "2", taken]
    fitted, names = fit_tool_names(ask(*alike), 64)
    written = [tool.name for tool in fitted.tools or () if isinstance(tool, Tool)]
    assert len(set(written)) == len(alike)
    assert [names.get(name, name) for name in written] == alike


def test_a_tool_has_one_name_in_all_turns() -> None:
    """Earlier calls and their results say the name that the tool has now; more tools beside it change nothing."""
    fitted, _ = fit_tool_names(ask("a.b", "c", called="a.b"), 64)
    again, _ = fit_tool_names(ask("z.z", "a.b"), 64)
    first, second = (fitted.tools or ())[0], (again.tools or ())[1]
    assert isinstance(first, Tool)
    assert isinstance(second, Tool)
    assert first.name == second.name
    call, result = fitted.messages[0].parts[0], fitted.messages[1].parts[0]
    assert isinstance(call, ToolCallPart)
    assert isinstance(result, ToolResultPart)
    assert {call.name, result.name} == {first.name}


def test_the_caller_reads_its_own_name() -> None:
    """A call in an answer has the caller's name for the tool; a name that nobody gave stays."""
    _, names = fit_tool_names(ask("a.b"), 64)
    [written] = names
    call = ToolCallPart(id="c", name=written, arguments="{}")
    assert restored(call, names) == msgspec.structs.replace(call, name="a.b")
    other = ToolCallPart(id="c", name="made_up", arguments="{}")
    assert restored(other, names) is other


def test_a_changed_name_is_noted() -> None:
    """The caller is told which name was written otherwise, and how."""
    _, names = fit_tool_names(ask("a.b"), 64)
    [note] = notes_of(names)
    assert (note.kind, note.field) == ("changed", "tool a.b")
    assert next(iter(names)) in note.reason
