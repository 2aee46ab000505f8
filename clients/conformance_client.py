"""Asbru's client side as the conformance suite of MCP runs clients: `python -m clients.conformance_client URL`.

The suite starts this for each scenario, with the URL of a server that watches how it is asked. A running gateway
(ASBRU_URL, ASBRU_TOKEN: of an admin) is told of that server over the management API, authorized at it by a browser
where the scenario is about that, and then used by an agent of the official SDK: lists, calls of every tool, resources,
prompts. Fails where the gateway does not come to be connected.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import uuid
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CreateMessageResult, ElicitResult, ListRootsResult, TextContent

KNOWN_S = 30.0
CONNECTED_S = 8.0
AUTHORIZATIONS_MAX = 3
"""How often somebody lets the gateway in anew, before it is given up."""
CIMD = "https://conformance-test.local/client-metadata.json"
"""The client that the suite expects where the authorization server takes the URL of a document as one."""
_DONE = ("ready", "failed", "unauthorized")


class Failed(Exception):
    """The gateway is not connected."""


class Admin:
    """Somebody with a browser and the management API."""

    def __init__(self, http: httpx2.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request to the management API; raises `Failed`."""
        token = os.environ["ASBRU_TOKEN"]
        done = await self._http.request(
            method, f"{self._url}/api/v1/{path}", json=body, headers={"authorization": f"Bearer {token}"}
        )
        if done.status_code >= 300:
            raise Failed(f"{method} {path}: {done.status_code} {done.text}")
        return done.json() if done.content else None

    async def authorize(self, name: str) -> None:
        """Let the gateway in at a server, as a browser does."""
        begun = await self.ask("POST", f"mcp/servers/{name}/connect", {})
        done = await self._http.get(begun["url"], follow_redirects=True)
        if done.status_code >= 300:
            raise Failed(f"the authorization failed: {done.status_code} {done.text}")

    async def settled(self, name: str, *, but: tuple[str, ...] = (), wait_s: float = CONNECTED_S) -> str:
        """The state of a server, once that is not about to change; `but`: states that are waited out for a while."""
        shown: dict[str, Any] = {}
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    servers = (await self.ask("GET", "mcp/servers"))["items"]
                    shown = next((one for one in servers if one["name"] == name), {})
                    if shown.get("state") in _DONE and shown["state"] not in but:
                        return str(shown["state"])
                    await asyncio.sleep(0.1)
        except TimeoutError:
            return str(shown.get("state"))


async def elicit(context: Any, params: Any) -> ElicitResult:
    """Fill in a form with its defaults, else with something of the right type."""
    del context
    schema = getattr(params, "requested_schema", None) or {}
    samples: dict[str, Any] = {"string": "word", "integer": 1, "number": 1.5, "boolean": True}
    content = {
        name: one["default"] if "default" in one else samples.get(one.get("type", ""), "word")
        for name, one in schema.get("properties", {}).items()
        if "default" in one or name in schema.get("required", ())
    }
    return ElicitResult(action="accept", content=content)


async def sample(context: Any, params: Any) -> CreateMessageResult:
    """Answer as a model does."""
    del context, params
    return CreateMessageResult(role="assistant", content=TextContent(text="Paris"), model="m")


async def roots(context: Any) -> ListRootsResult:
    """There are none."""
    del context
    return ListRootsResult(roots=[])


def arguments(schema: dict[str, Any]) -> dict[str, Any]:
    """Arguments that a schema asks for."""
    samples: dict[str, Any] = {"number": 2, "integer": 3, "boolean": True, "object": {}, "array": []}
    properties = schema.get("properties", {})
    return {name: samples.get(one.get("type", ""), "word") for name, one in properties.items()}


async def use(url: str, version: str, context: dict[str, Any]) -> list[str]:
    """Use a server as an agent does; what was refused."""
    mode = "legacy" if version < "2026" else version
    refused: list[str] = []

    async def tried(what: Any) -> None:
        try:
            await what
        except MCPError as error:
            refused.append(str(error))

    async with (
        httpx2.AsyncClient(timeout=120) as http,
        Client(
            streamable_http_client(url, http_client=http),
            mode=mode,
            elicitation_callback=elicit,
            sampling_callback=sample,
            list_roots_callback=roots,
        ) as client,
    ):
        tools = (await client.list_tools()).tools
        calls = [(one["name"], one["arguments"]) for one in context.get("toolCalls", ())]
        calls = calls or [(tool.name, arguments(tool.input_schema)) for tool in tools]
        await asyncio.gather(*(tried(client.call_tool(name, given)) for name, given in calls))
        for resource in (await client.list_resources()).resources:
            await tried(client.read_resource(str(resource.uri)))
        for prompt in (await client.list_prompts()).prompts:
            given = {one.name: "word" for one in prompt.arguments or ()}
            await tried(client.get_prompt(prompt.name, given))
    return refused


async def run(url: str) -> None:
    """The scenario; raises `Failed`."""
    scenario = os.environ["MCP_CONFORMANCE_SCENARIO"]
    version = os.environ["MCP_CONFORMANCE_PROTOCOL_VERSION"]
    context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))
    gateway, name = os.environ["ASBRU_URL"], f"c{uuid.uuid4().hex[:12]}"
    oauth = scenario.startswith("auth/")
    declared: dict[str, Any] = {"name": name, "url": url, "allow_loopback": True, "timeout_s": 10}
    if oauth:
        declared["auth"] = "oauth"
        declared |= {"client_id": CIMD} if scenario == "auth/basic-cimd" else {}
        declared |= {key: context[key] for key in ("client_id", "client_secret") if key in context}
    async with httpx2.AsyncClient(timeout=120) as http:
        admin = Admin(http, gateway)
        await admin.ask("POST", "mcp-servers", declared)
        try:
            state = await admin.settled(name, wait_s=KNOWN_S)
            for _ in range(AUTHORIZATIONS_MAX):
                if oauth and state != "ready":
                    await admin.authorize(name)
                    state = await admin.settled(name, but=("unauthorized",))
                if state != "ready":
                    continue
                refused = await use(f"{gateway}/mcp/{name}", version, context)
                for words in refused:
                    sys.stderr.write(f"refused: {words}\n")
                if not (oauth and refused):
                    return
                state = "unauthorized"
            raise Failed(f"the server is {state}")
        finally:
            await admin.ask("DELETE", f"mcp-servers/{name}")


def main() -> int:
    """Exit 1 where the gateway does not come to be connected."""
    try:
        asyncio.run(run(sys.argv[1]))
    except Failed as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
