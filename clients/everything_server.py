"""An MCP server on the official SDK that does everything the official conformance suite asks of servers, in both eras.

    python -m clients.everything_server         prints "ready PORT"; serves streamable HTTP at /mcp

Tools, prompts and resources are called as the suite calls them; what each has to do is told by the suite's own
descriptions of its scenarios. Of the era of sessions a tool asks its caller live; of the stateless era it returns what
it wants, with a state that is signed.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import sys
import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import mcp_types as t
import uvicorn
from clients.everything_data import ENUMS, PERSON, PNG, RICH_SCHEMA, USER, WAV, form
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    PromptsListChanged,
    ResourceUpdated,
    ToolsListChanged,
)
from mcp.shared.exceptions import MCPError

Context = ServerRequestContext[Any]
Result = t.CallToolResult | t.InputRequiredResult
TEXT_URI = "test://static-text"
BINARY_URI = "test://static-binary"
WATCHED_URI = "test://watched-resource"
TEMPLATE_URI = "test://template/{id}/data"
_KEY = b"of this run of the server"

bus = InMemorySubscriptionBus()
more: set[str] = set()
"""What was added to a list while the server ran."""


def text(words: str) -> t.CallToolResult:
    """A result of one text."""
    return t.CallToolResult(content=[t.TextContent(text=words)])


def embedded(uri: str, words: str, mime_type: str = "text/plain") -> t.EmbeddedResource:
    """A resource inside a result."""
    return t.EmbeddedResource(resource=t.TextResourceContents(uri=uri, mime_type=mime_type, text=words))


# ---- tools: content


async def simple_text(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """A text."""
    return text("This is a simple text response for testing.")


async def image(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """An image."""
    return t.CallToolResult(content=[t.ImageContent(data=PNG, mime_type="image/png")])


async def audio(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """A sound."""
    return t.CallToolResult(content=[t.AudioContent(data=WAV, mime_type="audio/wav")])


async def resource(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """A resource."""
    return t.CallToolResult(content=[embedded("test://embedded-resource", "This is an embedded resource content.")])


async def several(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Content of several types."""
    parts: list[t.ContentBlock] = [
        t.TextContent(text="Multiple content types test:"),
        t.ImageContent(data=PNG, mime_type="image/png"),
        embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
    ]
    return t.CallToolResult(content=parts)


async def error(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """An error of the tool."""
    words = t.TextContent(text="This tool intentionally returns an error for testing")
    return t.CallToolResult(content=[words], is_error=True)


async def logging(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Three lines of a log, then a text."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.session.send_log_message("info", line, related_request_id=ctx.request_id)
    return text("logged")


async def progress(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Three notifications of progress, then a text."""
    for done in (0, 50, 100):
        await ctx.session.report_progress(done, 100)
    return text("done")


async def changes_tools(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Adds a tool, or takes it away."""
    more.symmetric_difference_update({"tool"})
    await bus.publish(ToolsListChanged())
    return text("changed")


async def changes_prompts(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Adds a prompt, or takes it away."""
    more.symmetric_difference_update({"prompt"})
    await bus.publish(PromptsListChanged())
    return text("changed")


async def touches(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Changes the resource that may change."""
    await bus.publish(ResourceUpdated(uri=WATCHED_URI))
    return text("touched")


# ---- tools: what they ask their caller, live


async def samples(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Has its caller's model answer."""
    prompt = str((params.arguments or {}).get("prompt", ""))
    message = t.SamplingMessage(role="user", content=t.TextContent(text=prompt))
    found = await ctx.session.create_message([message], max_tokens=100, related_request_id=ctx.request_id)
    assert isinstance(found.content, t.TextContent)
    return text(f"LLM response: {found.content.text}")


async def elicits(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Asks for a user's name and address."""
    found = await ctx.session.elicit_form(
        str((params.arguments or {}).get("message", "")), USER, related_request_id=ctx.request_id
    )
    return text(f"User response: action={found.action}, content={found.content}")


def _asks_for(schema: dict[str, Any]) -> Tool:
    async def tool(ctx: Context, params: t.CallToolRequestParams) -> Result:
        found = await ctx.session.elicit_form("Please fill in", schema, related_request_id=ctx.request_id)
        return text(f"Elicitation completed: action={found.action}, content={found.content}")

    return tool


async def needs_sampling(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Works only for callers that have a model."""
    if ctx.session.client_capabilities is None or ctx.session.client_capabilities.sampling is None:
        data = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(t.MISSING_REQUIRED_CLIENT_CAPABILITY, "this needs sampling", data=data)
    return text("sampled")


# ---- tools: what they want before they go on


def _elicit(words: str, name: str, kind: str = "string") -> t.ElicitRequest:
    return t.ElicitRequest(params=t.ElicitRequestFormParams(message=words, requested_schema=form(name, kind)))


def _sample(words: str, max_tokens: int) -> t.CreateMessageRequest:
    message = t.SamplingMessage(role="user", content=t.TextContent(text=words))
    return t.CreateMessageRequest(params=t.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens))


def _signed(state: str) -> str:
    return f"{state}.{hmac.new(_KEY, state.encode(), hashlib.sha256).hexdigest()}"


def _wants(requests: dict[str, Any], state: str | None = None) -> t.InputRequiredResult:
    return t.InputRequiredResult(input_requests=requests, request_state=None if state is None else _signed(state))


def _checked(params: t.CallToolRequestParams, *states: str) -> str:
    """The state that the caller has returned, which is one of these."""
    state = (params.request_state or "").partition(".")[0]
    if state not in states or params.request_state != _signed(state):
        raise MCPError(t.INVALID_PARAMS, "the request state is not ours")
    return state


def _given(params: Any, name: str) -> Any:
    return (params.input_responses or {}).get(name)


async def wants_name(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Wants a name."""
    given = _given(params, "user_name")
    if not isinstance(given, t.ElicitResult):
        return _wants({"user_name": _elicit("What is your name?", "name")})
    return text(f"Hello, {(given.content or {}).get('name')}!")


async def wants_model(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Wants a model's answer."""
    given = _given(params, "capital_question")
    if given is None:
        return _wants({"capital_question": _sample("What is the capital of France?", 100)})
    return text(str(given.content.text))


async def wants_roots(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Wants the roots."""
    given = _given(params, "client_roots")
    if given is None:
        return _wants({"client_roots": t.ListRootsRequest()})
    return text(", ".join(str(root.uri) for root in given.roots))


async def wants_state(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Wants a confirmation, and its state back."""
    if _given(params, "confirm") is None:
        return _wants({"confirm": _elicit("Please confirm", "ok", "boolean")}, "confirming")
    _checked(params, "confirming")
    return text("state-ok")


async def wants_several(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Wants three things at once."""
    asked = {
        "user_name": _elicit("What is your name?", "name"),
        "greeting": _sample("Generate a greeting", 50),
        "client_roots": t.ListRootsRequest(),
    }
    if any(_given(params, name) is None for name in asked):
        return _wants(asked, "several")
    _checked(params, "several")
    return text("all there")


async def wants_twice(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Wants one thing after the other."""
    if params.request_state is None:
        return _wants({"step1": _elicit("Step 1: What is your name?", "name")}, "round-1")
    if _checked(params, "round-1", "round-2") == "round-1":
        return _wants({"step2": _elicit("Step 2: What is your favorite color?", "color")}, "round-2")
    return text("both there")


async def wants_what_is_supported(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """Wants of its caller only what that has."""
    can = ctx.session.client_capabilities
    asked: dict[str, Any] = {}
    if can is not None and can.sampling is not None:
        asked["answer"] = _sample("Say something", 50)
    if can is not None and can.elicitation is not None:
        asked["user_name"] = _elicit("What is your name?", "name")
    return _wants(asked)


Tool = Callable[[Context, t.CallToolRequestParams], Awaitable[Result]]
TOOLS: dict[str, Tool] = {
    "test_simple_text": simple_text,
    "test_image_content": image,
    "test_audio_content": audio,
    "test_embedded_resource": resource,
    "test_multiple_content_types": several,
    "test_error_handling": error,
    "test_tool_with_logging": logging,
    "test_logging_tool": logging,
    "test_tool_with_progress": progress,
    "test_trigger_tool_change": changes_tools,
    "test_trigger_prompt_change": changes_prompts,
    "test_trigger_resource_update": touches,
    "test_sampling": samples,
    "test_elicitation": elicits,
    "test_elicitation_sep1034_defaults": _asks_for(PERSON),
    "test_elicitation_sep1330_enums": _asks_for(ENUMS),
    "test_missing_capability": needs_sampling,
    "test_streaming_elicitation": wants_name,
    "test_input_required_result_elicitation": wants_name,
    "test_input_required_result_sampling": wants_model,
    "test_input_required_result_list_roots": wants_roots,
    "test_input_required_result_request_state": wants_state,
    "test_input_required_result_tampered_state": wants_state,
    "test_input_required_result_multiple_inputs": wants_several,
    "test_input_required_result_multi_round": wants_twice,
    "test_input_required_result_capabilities": wants_what_is_supported,
    "json_schema_2020_12_tool": simple_text,
}
SCHEMAS: dict[str, dict[str, Any]] = {
    "test_sampling": form("prompt"),
    "test_elicitation": form("message"),
    "json_schema_2020_12_tool": RICH_SCHEMA,
}


# ---- the server


async def list_tools(ctx: Context, params: t.PaginatedRequestParams | None) -> t.ListToolsResult:
    """The tools."""
    names = [*TOOLS, "test_added"] if "tool" in more else list(TOOLS)
    tools = [
        t.Tool(name=name, description=f"{name}.", input_schema=SCHEMAS.get(name, {"type": "object"}))
        for name in names
    ]
    return t.ListToolsResult(tools=tools, ttl_ms=0, cache_scope="public")


async def call_tool(ctx: Context, params: t.CallToolRequestParams) -> Result:
    """A call of a tool."""
    tool = TOOLS.get(params.name)
    if tool is None:
        raise MCPError(t.INVALID_PARAMS, f"Unknown tool: {params.name}")
    return await tool(ctx, params)


async def list_resources(ctx: Context, params: t.PaginatedRequestParams | None) -> t.ListResourcesResult:
    """The resources."""
    resources = [
        t.Resource(uri=TEXT_URI, name="text", description="A text.", mime_type="text/plain"),
        t.Resource(uri=BINARY_URI, name="binary", description="An image.", mime_type="image/png"),
        t.Resource(uri=WATCHED_URI, name="watched", description="It may change."),
    ]
    return t.ListResourcesResult(resources=resources, ttl_ms=0, cache_scope="public")


async def list_templates(ctx: Context, params: t.PaginatedRequestParams | None) -> t.ListResourceTemplatesResult:
    """The templates of resources."""
    template = t.ResourceTemplate(uri_template=TEMPLATE_URI, name="data", description="Data by id.")
    return t.ListResourceTemplatesResult(resource_templates=[template], ttl_ms=0, cache_scope="public")


async def read_resource(ctx: Context, params: t.ReadResourceRequestParams) -> t.ReadResourceResult:
    """A resource."""
    uri = str(params.uri)
    prefix, suffix = TEMPLATE_URI.split("{id}")
    contents: list[t.TextResourceContents | t.BlobResourceContents]
    if uri == TEXT_URI:
        words = "This is the content of the static text resource."
        contents = [t.TextResourceContents(uri=uri, mime_type="text/plain", text=words)]
    elif uri == BINARY_URI:
        contents = [t.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG)]
    elif uri.startswith(prefix) and uri.endswith(suffix):
        number = uri[len(prefix) : -len(suffix)]
        words = f'{{"id":"{number}","templateTest":true,"data":"Data for ID: {number}"}}'
        contents = [t.TextResourceContents(uri=uri, mime_type="application/json", text=words)]
    else:
        raise MCPError(t.INVALID_PARAMS, "Resource not found", data={"uri": uri})
    return t.ReadResourceResult(contents=contents, ttl_ms=0, cache_scope="public")


async def list_prompts(ctx: Context, params: t.PaginatedRequestParams | None) -> t.ListPromptsResult:
    """The prompts."""
    named: dict[str, tuple[str, ...]] = {
        "test_simple_prompt": (),
        "test_prompt_with_arguments": ("arg1", "arg2"),
        "test_prompt_with_embedded_resource": ("resourceUri",),
        "test_prompt_with_image": (),
        "test_input_required_result_prompt": (),
    }
    if "prompt" in more:
        named["test_added"] = ()
    prompts = [
        t.Prompt(
            name=name,
            description=f"{name}.",
            arguments=[t.PromptArgument(name=one, description=f"{one}.", required=True) for one in arguments],
        )
        for name, arguments in named.items()
    ]
    return t.ListPromptsResult(prompts=prompts, ttl_ms=0, cache_scope="public")


async def get_prompt(ctx: Context, params: t.GetPromptRequestParams) -> t.GetPromptResult | t.InputRequiredResult:
    """A prompt."""
    given = params.arguments or {}
    parts: list[t.ContentBlock]
    match params.name:
        case "test_simple_prompt":
            parts = [t.TextContent(text="This is a simple prompt for testing.")]
        case "test_prompt_with_arguments":
            words = f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'"
            parts = [t.TextContent(text=words)]
        case "test_prompt_with_embedded_resource":
            content = embedded(given["resourceUri"], "Embedded resource content for testing.")
            parts = [content, t.TextContent(text="Please process the embedded resource above.")]
        case "test_prompt_with_image":
            shown = t.ImageContent(data=PNG, mime_type="image/png")
            parts = [shown, t.TextContent(text="Please analyze the image above.")]
        case "test_input_required_result_prompt":
            wanted = _given(params, "user_context")
            if wanted is None:
                return _wants({"user_context": _elicit("What context should the prompt use?", "context")})
            parts = [t.TextContent(text=f"In the context {wanted.content['context']}")]
        case _:
            raise MCPError(t.INVALID_PARAMS, f"Unknown prompt: {params.name}")
    return t.GetPromptResult(messages=[t.PromptMessage(role="user", content=part) for part in parts])


async def complete(ctx: Context, params: t.CompleteRequestParams) -> t.CompleteResult:
    """Values that an argument may have."""
    values = [word for word in ("paris", "park", "party") if word.startswith(params.argument.value)]
    return t.CompleteResult(completion=t.Completion(values=values, total=len(values), has_more=False))


async def nothing(ctx: Context, params: Any) -> t.EmptyResult:
    """What is only acknowledged."""
    return t.EmptyResult()


def build() -> Server[Any]:
    """The server."""
    server: Server[Any] = Server(
        "everything",
        version="1",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
        on_completion=complete,
        on_subscribe_resource=nothing,
        on_unsubscribe_resource=nothing,
        on_subscriptions_listen=ListenHandler(bus),
        on_set_logging_level=nothing,
    )
    return server


async def main() -> None:
    """Serve until the process is ended."""
    warnings.simplefilter("ignore")  # the SDK calls what only the older era has deprecated
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build().streamable_http_app(), log_level="error", timeout_graceful_shutdown=1)
    sys.stdout.write(f"ready {listener.getsockname()[1]}\n")
    sys.stdout.flush()
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    asyncio.run(main())
