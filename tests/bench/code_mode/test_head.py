"""A script that is followed by hand: which calls it waits for together, and what it makes of results."""

from bench.code_mode.head import follow, used

SCRIPT = """
import asyncio
first = await crm.get_deal(id="a")
both = await asyncio.gather(*[crm.get_deal(id=one) for one in first], wiki.get_page(id="p"))
none = await asyncio.gather(*[crm.update_deal(id=one, stage="won") for one in []])
result = [sorted(first), both, none, extra]
"""


def test_calls_of_one_gather_come_together() -> None:
    """A call alone is a turn, those of a gather are one, and a gather of none is no turn."""
    following = follow(SCRIPT, {"extra": 7})
    assert [(one.server, one.tool, one.arguments) for one in next(following)] == [("crm", "get_deal", {"id": "a"})]
    assert [one.arguments["id"] for one in following.send([["y", "x"]])] == ["y", "x", "p"]
    try:
        following.send([1, 2, 3])
    except StopIteration as end:
        assert end.value == [["x", "y"], [1, 2, 3], [], 7]


def test_what_a_script_uses_is_known() -> None:
    """The tools that it calls, each with all arguments that it gives anywhere."""
    assert used(SCRIPT) == {
        ("crm", "get_deal"): {"id"},
        ("crm", "update_deal"): {"id", "stage"},
        ("wiki", "get_page"): {"id"},
    }
