"""Boot settings: read once at start. Changing one in the file is reported, and waits for a restart."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from asbru.app.config.base import Settings


class ServerTls(Settings):
    """The certificate callers see. Without it the server speaks plain HTTP."""

    cert_file: Annotated[str, Field(description="Path of the certificate chain, PEM.")]
    key_file: Annotated[str, Field(description="Path of the private key, PEM, not encrypted.")]


class Control(Settings):
    """The control process, which serves the management API under /api, and later the UI under /ui."""

    enabled: Annotated[
        bool, Field(description="Run the control process; it takes 60 MB of memory and serves /api and /ui.")
    ] = False


class Log(Settings):
    """The log on stderr. `format` waits for a restart, `access` does not."""

    format: Annotated[
        Literal["text", "json"],
        Field(
            description="Format of a line: `name=value` text or a JSON object. `ASBRU_LOG_FORMAT` takes precedence."
        ),
    ] = "text"
    access: Annotated[
        bool, Field(description="Log a line for each completed call: names, status, tokens, cost, time.")
    ] = False


class Listen(Settings):
    """Where the gateway listens, and with how many processes."""

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535, description="TCP port; 0 uses any free port.")] = 8080
    workers: Annotated[int, Field(ge=1, le=256, description="Worker processes; each can use one core.")] = 1
    tls: Annotated[ServerTls | None, Field(description="Serve HTTPS with this certificate.")] = None

    @model_validator(mode="after")
    def _host_is_named(self) -> Listen:
        if not self.host:
            raise ValueError("host is empty; use 0.0.0.0 or :: for every address")
        return self
