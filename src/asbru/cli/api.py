"""The management API as the commands use it: one request, whose refusal is one line on stderr and exit 1.

    ASBRU_URL     where the gateway is, by default http://127.0.0.1:8080
    ASBRU_TOKEN   a token of the API (sk-asb-admin-...); not an option, since other users of the machine see those

Names no resource; what an answer holds is for the command.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import click

URL_VARIABLE = "ASBRU_URL"
TOKEN_VARIABLE = "ASBRU_TOKEN"  # noqa: S105 -- its name
TIMEOUT_S = 60.0
PAGE = 200
_UNBOUND_COLUMNS = 10_000

F = TypeVar("F", bound=Callable[..., Any])


def url_option(command: F) -> F:
    """`--url` for a command."""
    return click.option(
        "--url",
        envvar=URL_VARIABLE,
        default="http://127.0.0.1:8080",
        show_default=True,
        help="Address of the gateway.",
    )(command)


def json_option(command: F) -> F:
    """`--json` for a command that prints objects."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")(command)


class Api:
    """See the module. `url`: the gateway's."""

    def __init__(self, url: str) -> None:
        self._token = os.environ.get(TOKEN_VARIABLE, "").strip()
        try:
            self._address = urlsplit(url)
            known = (
                self._address.scheme in ("http", "https") and self._address.port != 0 and bool(self._address.hostname)
            )
        except ValueError:  # no port is such a number, and no host such a name
            known = False
        if not known:
            raise click.ClickException(
                f"expected the address of a gateway, such as http://127.0.0.1:8080, got '{url}'"
            )
        if not (self._token.isascii() and self._token.isprintable()):
            raise click.ClickException(f"{TOKEN_VARIABLE}: expected a token (sk-asb-admin-...), got other characters")

    def ask(self, method: str, path: str, body: object = None, **query: object) -> Any:
        """The answer, read as JSON; None for an empty one. Raises click.ClickException."""
        connection, response = self._send(method, path, body, query)
        try:
            said = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from error
        finally:
            connection.close()
        try:
            return json.loads(said) if said else None
        except ValueError:
            raise click.ClickException(_refusal(response.status, said)) from None

    def lines(self, path: str, **query: object) -> Iterator[bytes]:
        """The lines of a streamed answer, as they come. Raises click.ClickException."""
        connection, response = self._send("GET", path, None, query)
        try:
            while line := response.readline():
                yield line
        except (OSError, http.client.HTTPException) as error:
            raise self._away(error) from error
        finally:
            connection.close()

    def _send(
        self, method: str, path: str, body: object, query: Mapping[str, object]
    ) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
        """An answer that is not a refusal, not yet read."""
        if not self._token:
            raise click.ClickException(f"set {TOKEN_VARIABLE} to a token of the management API (sk-asb-admin-...)")
        given = {name: value for name, value in query.items() if value not in (None, "")}
        target = f"/api/v1/{quote(path)}" + (f"?{urlencode(given)}" if given else "")
        headers = {"authorization": f"Bearer {self._token}", "content-type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._address.hostname or "", self._address.port, timeout=TIMEOUT_S)
        try:
            connection.request(method, target, data, headers)
            response = connection.getresponse()
            if response.status < 400:
                return connection, response
            refusal = _refusal(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise self._away(error) from error
        connection.close()
        raise click.ClickException(refusal)

    def _away(self, error: Exception) -> click.ClickException:
        return click.ClickException(f"{self._address.geturl()} cannot be reached: {error}")

    def items(self, path: str, *, after: str = "after", **query: object) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page; `after`: the parameter that takes a page's `next`."""
        page = self.ask("GET", path, limit=PAGE, **query)
        while True:
            yield from page["items"]
            if page["next"] is None:
                return
            page = self.ask("GET", path, **{"limit": PAGE, **query, after: page["next"]})


def print_items(items: list[dict[str, Any]], columns: tuple[str, ...], *, as_json: bool) -> None:
    """Objects as a table of some members, the first of which is never cut, or whole as JSON. A piped table has a line
    for each object."""
    if as_json:
        click.echo(json.dumps(items, indent=2))
        return
    from rich.console import Console
    from rich.table import Column, Table

    first, *others = columns
    headers = (Column(first, no_wrap=True), *(Column(name, overflow="fold") for name in others))
    table = Table(*headers, box=None, header_style="bold")
    for item in items:
        table.add_row(*(_cell(item.get(column)) for column in columns))
    width = None if sys.stdout.isatty() else _UNBOUND_COLUMNS
    Console(highlight=False, markup=False, width=width).print(table)


def _cell(value: object) -> str:
    if value is None or value == [] or value == {}:
        return "-"
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")  # never 1.3e-05
    return printable(value) if isinstance(value, str) else json.dumps(value)


def printable(text: str) -> str:
    """Text of callers without what steers a terminal, which is shown as in JSON. Lines stay lines."""
    return "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)


def _refusal(status: int, said: bytes) -> str:
    try:
        return printable(str(json.loads(said)["error"]["message"]))
    except (ValueError, KeyError, TypeError):
        return f"status {status}; is this the address of a gateway with `control.enabled`?"
