"""The Portkey gateway (npm), run by the Node that comes as a wheel; a header names the host to forward to."""

import json

from bench import install
from bench.rig import free_port
from bench.targets.contract import Profile, Route, Running, Target

_PACKAGE, _VERSION = "@portkey-ai/gateway", "1.15.2"
# Newer ones make every streamed answer a 500 ("TypeError: immutable", Portkey-AI/gateway issue 1389).
_PINNED = {"@hono/node-server": "1.13.8"}


class Portkey(Target):
    """One Node process, no console page; the upstream key travels in the request, as its users do it."""

    name = "portkey"

    def install(self) -> None:
        """Node from the package index, the gateway from npm."""
        self._node, self._package = install.npm_package(_PACKAGE, _VERSION, _PINNED)

    def start(self) -> Running:
        """Bodies are decoded and written anew, so they are checked as JSON of the expected size."""
        self.install()
        port = free_port()
        server = self._package / "build" / "start-server.js"
        command = [str(self._node), str(server), "--headless", f"--port={port}"]
        pid = self.spawn(command, env={"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"})
        headers = {
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{self.rig.mock_port}/v1",
        }
        version = json.loads((self._package / "package.json").read_text())["version"]
        routes = {kind: Route() for kind in ("plain", "stream", "large")}
        profile = Profile(fast=False, connections=16, connections_20ms=64, streams=50)
        running = Running(
            self.name, port, (pid,), routes, version, headers=headers, byte_exact=False, profile=profile
        )
        return self.wait_healthy(running, deadline_s=60)
