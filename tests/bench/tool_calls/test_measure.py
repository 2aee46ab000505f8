"""What a call of a tool costs: the call that is measured has the result that it says, and rows are medians."""

import json

from bench.code_mode.serve import ToolServers
from bench.code_mode.tables import tables

from bench.tool_calls import Call, request


def test_the_call_that_is_measured_has_a_result() -> None:
    """The tool is there, takes the arguments, and its response is as long as the load generator asks for."""
    servers = ToolServers(tables()[:1], 16)
    message = json.loads(request.body(request.TOOL))
    response = servers.respond(request.SERVER, message)
    assert response is not None and not response["result"]["isError"]
    assert len(json.dumps(response)) > request.RESULT_BYTES_MIN
    head = request.head(4321)
    assert b"Host: 127.0.0.1:4321\r\n" in head
    assert b"Bearer {KEY}" in head and b"Content-Length: {LEN}" in head and head.endswith(b"\r\n\r\n")


def test_a_row_is_the_median_of_its_rounds() -> None:
    """With the range of the rounds beside it; a way that never answered has no figure."""
    row = Call("asbru", 1, "x", cpu_us=[200.0, 100.0, 110.0], rps=[5.0, 7.0, 6.0], failed=2).row()
    assert row["cpu_us_per_tool_call"] == 110.0
    assert row["tool_calls_per_second"] == 6.0
    assert row["failed"] == 2
    assert Call("sdk", 1, "x").row()["cpu_us_per_tool_call"] is None
