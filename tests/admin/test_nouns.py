"""The API as its OpenAPI describes it, asked what nobody thought of: it never fails, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from tests.fakes.asgi import Answer, ask
from tests.fakes.management import Managed, managed

from asbru.app.api_kinds import COMPILED_KINDS

EXAMPLES_MAX = 8
"""For each route."""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    """An API with every kind."""
    folder: Path = tmp_path_factory.mktemp("api")
    with managed(folder, *COMPILED_KINDS) as one:
        yield one


CHECKED = settings(
    max_examples=EXAMPLES_MAX,
    deadline=None,
    database=None,
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)


def test_nothing_ends_in_a_5xx(api: Managed) -> None:
    """Any path, query and body that the description allows, on every route. Every response with a body is JSON and says
    that it is nothing else, so that no browser runs a text that a caller wrote."""
    import schemathesis  # takes half a second: other processes, which only collect this test, do without

    schema = schemathesis.openapi.from_dict(api.application.openapi())
    walked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @CHECKED
        @given(case=operation.as_strategy())
        def answers(case: Any) -> None:
            sent = case.as_transport_kwargs(base_url="http://asbru")
            answer = send(api, case.method, sent)
            assert answer.status < 500, (case.method, sent)
            assert answer.headers["x-content-type-options"] == "nosniff", (case.method, sent)
            if answer.body and not sent["url"].endswith("/records/export"):
                assert answer.headers["content-type"] == "application/json", (case.method, sent)

        answers()
        walked += 1
    assert walked > 40


def send(api: Managed, method: str, sent: dict[str, Any]) -> Answer:
    """The answer."""
    address = urlsplit(sent["url"])
    body = json.dumps(sent["json"]).encode() if "json" in sent else sent.get("data")
    if body is not None and not isinstance(body, bytes):
        body = str(body).encode("utf-8", "replace")
    headers = {"authorization": f"Bearer {api.token('admin')}", "content-type": "application/json"}
    query = urlencode(sent.get("params") or {}, doseq=True)
    path = unquote(address.path, errors="replace")
    return ask(api.application, path, body, method=method, query=query, **headers)
