"""Postman collections as tools."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.mcp.openapi import DocumentError, build_request, read_postman

INFO = {"name": "Shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"}
COLLECTION: dict[str, Any] = {
    "info": INFO,
    "item": [
        {
            "name": "Orders",
            "item": [
                {
                    "name": "Get an order",
                    "request": {
                        "method": "GET",
                        "description": "By its number.",
                        "url": {
                            "raw": "https://shop.example/orders/:number?full=true",
                            "variable": [{"key": "number", "description": "Which"}],
                            "query": [{"key": "full"}, {"key": "old", "disabled": True}],
                        },
                    },
                },
                {
                    "name": "Order",
                    "request": {
                        "method": "POST",
                        "url": {"raw": "https://shop.example/orders"},
                        "body": {"mode": "raw", "raw": '{"items": [{"id": 1, "price": 2.5}], "gift": false}'},
                    },
                },
            ],
        },
        {"name": "Elsewhere", "request": {"method": "GET", "url": "https://other.example/x"}},
        {"name": "Nowhere", "request": {"method": "GET", "url": ""}},
    ],
}


def test_requests_are_tools() -> None:
    """With the arguments of paths and queries; those of another address are told."""
    api = read_postman(COLLECTION)
    assert (api.title, api.url) == ("Shop", "https://shop.example")
    assert [one.name for one in api.tools] == ["Get_an_order", "Order"]
    assert [one.partition(":")[0] for one in api.skipped] == ["Nowhere", "Elsewhere"]
    get = msgspec.json.decode(api.tools[0].definition)
    assert get["inputSchema"] == {
        "type": "object",
        "properties": {"number": {"type": "string", "description": "Which"}, "full": {"type": "string"}},
        "required": ["number"],
    }
    assert build_request(api.tools[0], {"number": "7", "full": "true"}).target == "/orders/7?full=true"


def test_bodies_are_inferred() -> None:
    """From the example that the collection holds."""
    order = read_postman(COLLECTION).tools[1]
    body = msgspec.json.decode(order.definition)["inputSchema"]["properties"]["body"]
    item = {"type": "object", "properties": {"id": {"type": "integer"}, "price": {"type": "number"}}}
    assert body["properties"] == {"items": {"type": "array", "items": item}, "gift": {"type": "boolean"}}
    assert build_request(order, {"body": {"gift": True}}).body == b'{"gift":true}'


def test_other_formats_are_refused() -> None:
    """And folders without end."""
    with pytest.raises(DocumentError, match=r"2\.1"):
        read_postman({"info": {"schema": "v1"}})
    nested: dict[str, Any] = {"item": []}
    for _ in range(50):
        nested = {"item": [nested]}
    with pytest.raises(DocumentError, match="deep"):
        read_postman({"info": INFO, **nested})
