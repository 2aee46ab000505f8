"""The records of a server, and what its tools do to them."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, Final

from bench.code_mode.tables import Collection, Record

LIMIT: Final = 20
LIMIT_MAX: Final = 50
Given = dict[str, Any]
"""The arguments of a call, checked."""


class Refused(Exception):
    """A call that the tool refuses; the text is for the model."""


class Store:
    """The records of a server, and what was done to them."""

    def __init__(self, records: dict[str, dict[str, Record]]) -> None:
        self.records = deepcopy(records)
        self.changes: dict[str, list[dict[str, str]]] = {}
        self.made = 0

    def find(self, collection: Collection, key: str) -> Record:
        """A record by its id."""
        found = self.records[collection.many].get(key)
        if found is None:
            raise Refused(f"there is no {collection.one} {key!r}")
        return found

    def change(self, record: Record, **values: object) -> None:
        """Change fields of a record."""
        for name, value in values.items():
            entry = {"field": name, "before": json.dumps(record[name]), "after": json.dumps(value)}
            self.changes.setdefault(record["id"], []).append(entry)
            record[name] = value


def _visible(store: Store, c: Collection) -> list[Record]:
    return [record for _, record in sorted(store.records[c.many].items()) if not record["archived"]]


def _brief(record: Record, c: Collection) -> Record:
    return {"id": record["id"]} | {field.name: record[field.name] for field in c.fields if field.kind != "long"}


def list_page(store: Store, c: Collection, given: Given) -> object:
    """A page of those that fit all filters."""
    wanted = dict(given)
    order = wanted.pop("order_by", "id")
    limit, offset = min(wanted.pop("limit", LIMIT), LIMIT_MAX), wanted.pop("offset", 0)
    amount = c.amount.name
    low, high = wanted.pop(f"min_{amount}", None), wanted.pop(f"max_{amount}", None)
    field = order.removeprefix("-")
    if field not in ("id", *(one.name for one in c.fields)):
        raise Refused(f"order_by: there is no field {field!r}")
    if limit < 1 or offset < 0:
        raise Refused("limit must be at least 1, and offset at least 0")
    found = [
        one
        for one in _visible(store, c)
        if all(one[name] == value for name, value in wanted.items())
        and (low is None or one[amount] >= low)
        and (high is None or one[amount] <= high)
    ]
    found.sort(key=lambda one: one[field], reverse=order.startswith("-"))
    page = [_brief(one, c) for one in found[offset : offset + limit]]
    end = offset + len(page)
    return {"items": page, "total": len(found), "next_offset": end if end < len(found) else None}


def search(store: Store, c: Collection, given: Given) -> object:
    """Those with all words in the title."""
    words = given["query"].lower().split()
    found = [one for one in _visible(store, c) if all(word in one[c.title].lower().split() for word in words)]
    limit = min(given.get("limit", LIMIT), LIMIT_MAX)
    return {"items": [_brief(one, c) for one in found[:limit]], "total": len(found)}


def count(store: Store, c: Collection, given: Given) -> object:
    """How many there are of each value of a field."""
    field = given["group_by"]
    counts: dict[str, int] = {}
    for one in _visible(store, c):
        counts[one[field]] = counts.get(one[field], 0) + 1
    return {"counts": counts}


def create(store: Store, c: Collection, given: Given) -> object:
    """A new record."""
    store.made += 1
    empty = {field.name: 0 if field.kind in ("int", "money") else "" for field in c.fields}
    record: Record = {"id": f"{c.prefix}N{store.made:04d}"} | empty | given | {"notes": [], "archived": False}
    store.records[c.many][record["id"]] = record
    return record


def update(store: Store, c: Collection, given: Given) -> object:
    """Other values of fields."""
    record = store.find(c, given["id"])
    store.change(record, **{name: value for name, value in given.items() if name != "id"})
    return record


def archive(store: Store, c: Collection, given: Given) -> object:
    """Out of sight, or back."""
    record = store.find(c, given["id"])
    store.change(record, archived=given.get("archived", True))
    return record


def delete(store: Store, c: Collection, given: Given) -> object:
    """Gone for good."""
    return {"deleted": store.records[c.many].pop(store.find(c, given["id"])["id"])["id"]}


def get(store: Store, c: Collection, given: Given) -> object:
    """The whole record."""
    return store.find(c, given["id"])


def history(store: Store, c: Collection, given: Given) -> object:
    """What was changed."""
    return {"changes": store.changes.get(store.find(c, given["id"])["id"], [])}


def note(store: Store, c: Collection, given: Given) -> object:
    """One more note."""
    record = store.find(c, given["id"])
    record["notes"].append(given["text"])
    return {"id": record["id"], "notes": len(record["notes"])}
