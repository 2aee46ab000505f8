"""`asbru demo`: a gateway with the mock and whatever keys the environment holds, shown working.

Starts `serve` as users run it, sends one streamed chat through it over HTTP, prints the answer and the lines to copy,
and keeps serving. It keeps no secret: the demo key lives in the environment of the processes it starts.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click

from asbru.cli.options import DATA_DIR

MOCK = "mock"
MODEL = f"{MOCK}/story"
KEY_VARIABLE = "ASBRU_DEMO_KEY"
SETUP_VARIABLE = "ASBRU_SETUP_TOKEN"
ANSWER_TIMEOUT_S = 60.0
SETUP_TIMEOUT_S = 5.0
SAMPLE_PAUSE_S = 0.01
"""Between two steps, so that records of calls have their turn."""

_HANDED_ON = {signal.SIGINT: signal.SIGINT, signal.SIGTERM: signal.SIGTERM, signal.SIGHUP: signal.SIGTERM}
"""What the supervisor is sent: to it SIGHUP would mean to read its configuration again."""


_LINE_CHARS_MAX = 60

_MOCK_PRICES = {"*": {"input": 3, "output": 10}}
"""In dollars per million tokens. Pretended, so that budgets and costs can be tried: a call whose price is unknown is
refused under a budget."""


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="TCP port.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA_DIR,
    show_default=True,
    help="Directory for records; created if missing.",
)
@click.option("--sample", is_flag=True, help="Also write a day of sample traffic for the web UI to show.")
def command(*, port: int, data_dir: Path, sample: bool) -> None:
    """Serve with a mock model, send one chat through, and print how to send your own."""
    from asbru.app.data_dir import new_virtual_key
    from asbru.app.defaults import default_settings
    from asbru.providers import discover

    key = new_virtual_key()
    settings = default_settings(discover(), os.environ)
    settings["control"] = {"enabled": True}
    setup_token = os.environ.get(SETUP_VARIABLE) or secrets.token_urlsafe(12)
    settings["providers"][MOCK]["prices"] = _MOCK_PRICES
    settings["virtual_keys"] = [{"name": "demo", "value": f"env.{KEY_VARIABLE}"}]
    with tempfile.TemporaryDirectory(prefix="asbru-demo-") as folder:
        config = Path(folder) / "config.json"
        config.write_text(json.dumps(settings))
        process, url = _start(config, port, data_dir, {KEY_VARIABLE: key, SETUP_VARIABLE: setup_token})
        try:
            if url is not None:
                _show(url, key, list(settings["providers"]), data_dir=data_dir, setup_token=setup_token)
                if sample:
                    _write_sample(data_dir)
            code = process.wait()
            if url is None and code:
                click.echo(
                    "asbru: startup failed, see above; to use another port: --port 9000, or make run PORT=9000",
                    err=True,
                )
        except (OSError, http.client.HTTPException, ValueError) as error:
            click.echo(f"asbru: the demo call failed: {error}", err=True)
            process.terminate()
            code = process.wait() or 1
    sys.exit(code)


def _start(
    config: Path, port: int, data_dir: Path, variables: dict[str, str]
) -> tuple[subprocess.Popen[bytes], str | None]:
    """The running supervisor and its URL; None when it ended before it was ready. Signals are handed on to it; a closed
    terminal ends it."""
    from asbru.app.lifeline import PARENT_VARIABLE

    reading, writing = os.pipe()
    argv = [sys.executable, "-m", "asbru.app.supervisor", "--config", str(config), "--port", str(port)]
    argv += ["--data-dir", str(data_dir), "--ready-fd", str(writing)]
    env = {**os.environ, **variables, PARENT_VARIABLE: str(os.getpid())}
    process = subprocess.Popen(argv, env=env, pass_fds=(writing,), start_new_session=True)  # noqa: S603  # our own command
    os.close(writing)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` has it
            signal.signal(number, lambda number, _: process.send_signal(_HANDED_ON[signal.Signals(number)]))
    with os.fdopen(reading) as ready:
        url = ready.readline().strip()
    return process, url or None


def _show(url: str, key: str, providers: list[str], *, data_dir: Path, setup_token: str) -> None:
    prompt = "Tell me a short story about a bridge."
    click.secho(f"\nAsking {MODEL} through {url}: {prompt}\n", bold=True)
    for text in _ask(url, key, prompt):
        click.echo(text, nl=False)
        sys.stdout.flush()
    click.echo("\n")
    page = f"start#{setup_token}" if _needs_setup(url) else ""
    click.echo(_lines_to_copy(url, key, providers, data_dir=data_dir, page=page))


def _needs_setup(url: str) -> bool:
    """Whether the first user has still to be created: the data of an earlier run may have one. If the control process
    does not say so in time, it is taken to need one; the page of the first start finds out."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=SETUP_TIMEOUT_S)
    try:
        connection.request("GET", "/api/v1/setup")
        answer = connection.getresponse()
        return answer.status != http.HTTPStatus.OK or bool(json.loads(answer.read())["needed"])
    except (OSError, http.client.HTTPException, ValueError):
        return True
    finally:
        connection.close()


def _write_sample(data_dir: Path) -> None:
    """Write the sample day beside the gateway, which goes on; one that is there stays as it is."""
    from asbru.records.sample import write
    from asbru.storage import DATABASE_NAME, NewerSchema, StorageError, sqlite_url

    url = sqlite_url(data_dir / DATABASE_NAME)
    try:
        if not write.count_sampled(url):
            steps = write.SampleSteps(int(time.time() * 1000))
            while write.perform(url, steps.write):
                steps.written()
                time.sleep(SAMPLE_PAUSE_S)
        click.echo(f"Sample traffic: {write.count_sampled(url)} calls; remove them with `asbru sample remove`.")
    except (StorageError, NewerSchema) as error:
        click.echo(f"asbru: the sample traffic is not written: {error}", err=True)


def _ask(url: str, key: str, prompt: str) -> Iterator[str]:
    """The answer's text, piece by piece, as it arrives over HTTP."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_TIMEOUT_S)
    body = {"model": MODEL, "stream": True, "messages": [{"role": "user", "content": prompt}]}
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"status {answer.status}: {answer.read(2000).decode(errors='replace')}")
        while line := answer.readline():
            data = line.removeprefix(b"data:").strip()
            if not line.startswith(b"data:") or data == b"[DONE]":
                continue
            event = json.loads(data)
            if "error" in event:
                raise ValueError(f"the stream ended with an error: {event['error']}")
            for choice in event["choices"]:
                yield choice["delta"].get("content") or ""
    finally:
        connection.close()


def _lines_to_copy(url: str, key: str, providers: list[str], *, data_dir: Path, page: str) -> str:
    """At most 23 lines of 80 columns, so that a small terminal shows all of them."""
    return f"""\
curl:
  curl {url}/v1/chat/completions \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "mock/echo", "messages": [{{"role": "user", "content": "Hi"}}]}}'
OpenAI SDK (Python):
  OpenAI(base_url="{url}/v1",
         api_key="{key}")
Claude Code:
  ANTHROPIC_BASE_URL={url}/anthropic \\
  ANTHROPIC_AUTH_TOKEN={key} \\
  ANTHROPIC_DEFAULT_SONNET_MODEL={MODEL} \\
  ANTHROPIC_DEFAULT_HAIKU_MODEL={MODEL} claude --model {MODEL}

Serving on  {url}
Your key    {key}   (for this run only)
Models      {_models(providers)}
Web UI      {url}/ui/{page}
Records     {data_dir / "asbru.sqlite"}
{_configuration(data_dir)}
Stop with Ctrl-C.
"""


def _configuration(data_dir: Path) -> str:
    """What to do for one's own providers, or that a configuration lies there which this does not read."""
    from asbru.app.paths import find_config_file

    there = find_config_file(None, data_dir)
    asbru = sys.argv[0] if sys.argv[0].endswith("/asbru") else "asbru"
    if there is None:
        return f"Your own providers and keys: `{asbru} config init`, then `{asbru} serve`."
    return f"Not read here: {there}; `{asbru} serve` serves it."


def _models(providers: list[str]) -> str:
    """What may be asked for, and how to have more."""
    from asbru.providers import discover

    types = discover()
    offered = [f"{name}/..." for name in providers if not types[name].served_here]
    offered += [f"{MOCK}/{name}" for name in ("echo", "story", "tools")]
    unset = [kind for name, kind in types.items() if kind.env_key and kind.base_url and name not in providers]
    unset.sort(
        key=lambda kind: not kind.access[0].dialect.startswith(f"{kind.name}_")
    )  # first those that it is named after
    lines = [_few(offered, first_out=0)]
    if unset:
        lines += ["to add providers, set their keys and restart:", _few([kind.env_key or "" for kind in unset], -1)]
    return "\n            ".join(lines)


def _few(words: list[str], first_out: int) -> str:
    """As many of the words as fit a line; `first_out` is the index of the one that goes first."""
    left = list(words)
    while len(", ".join(left)) > _LINE_CHARS_MAX:
        left.pop(first_out)
    return ", ".join(left) + (" ..." if len(left) < len(words) else "")
