"""The tools of a server, made from its tables: definitions as a server lists them.

Arguments are checked as strictly as the schema says: a call that a real server would refuse is refused here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.code_mode.store import (
    LIMIT,
    LIMIT_MAX,
    Given,
    Refused,
    Store,
    archive,
    count,
    create,
    delete,
    get,
    history,
    list_page,
    note,
    search,
    update,
)
from bench.code_mode.tables import Collection, Field, Table

Schema = dict[str, Any]


@dataclass(frozen=True)
class Tool:
    """A tool of a collection. `run` is given the server's records, the collection and the checked arguments."""

    name: str
    description: str
    arguments: dict[str, Schema]
    required: tuple[str, ...]
    result: Schema
    run: Callable[[Store, Collection, Given], object]
    collection: Collection

    def definition(self) -> dict[str, Any]:
        """As `tools/list` gives it."""
        return {
            "name": self.name,
            "description": self.description,
            "inputSchema": _object(self.arguments, self.required),
            "outputSchema": self.result,
        }

    def call(self, store: Store, arguments: Given) -> object:
        """Check the arguments, and run. Raises Refused."""
        for name in self.required:
            if name not in arguments:
                raise Refused(f"{self.name} needs the argument {name!r}")
        for name, value in arguments.items():
            schema = self.arguments.get(name)
            if schema is None:
                raise Refused(f"{self.name} has no argument {name!r}; it has {', '.join(self.arguments)}")
            _check(name, value, schema)
        return self.run(store, self.collection, arguments)


_TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool}


def _check(name: str, value: object, schema: Schema) -> None:
    if not isinstance(value, _TYPES[schema["type"]]) or (isinstance(value, bool) and schema["type"] != "boolean"):
        raise Refused(f"{name} must be of the type {schema['type']}")
    if "enum" in schema and value not in schema["enum"]:
        raise Refused(f"{name} must be one of {', '.join(schema['enum'])}")


def _object(properties: dict[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(required or ()),
        "additionalProperties": False,
    }


def _schema(field: Field, about: str = "") -> Schema:
    kind = {"int": "integer", "money": "number"}.get(field.kind, "string")
    schema: Schema = {"type": kind, "description": about or field.about}
    if field.choices:
        schema["enum"] = list(field.choices)
    if field.kind == "date":
        schema["description"] += " As YYYY-MM-DD."
    return schema


def _text(about: str) -> Schema:
    return {"type": "string", "description": about}


def _number(about: str) -> Schema:
    return {"type": "integer", "description": about}


def tools_of(table: Table, limit: int) -> tuple[Tool, ...]:
    """The first tools of a server: those that are used most come first."""
    made = [{tool.name.partition("_")[0]: tool for tool in _tools(one)} for one in table.collections]
    order = [(verb, number) for number in range(len(made)) for verb in ("list", "get", "create", "update", "search")]
    order.insert(5, ("add", 0))
    order += [("add", 1), ("add", 2)]
    order += [(verb, number) for verb in ("count", "delete", "trace", "archive", "assign") for number in range(3)]
    return tuple(made[number][verb] for verb, number in order[:limit])


class _Shapes:
    """The schemas that the tools of a collection share."""

    def __init__(self, c: Collection) -> None:
        self.key = {"id": _text(f"The id of the {_words(c.one)}, such as {c.prefix}0001.")}
        self.values = {field.name: _schema(field) for field in c.fields}
        self.needed = tuple(field.name for field in c.fields if field.kind in ("text", "choice", "person"))
        identity = {"id": {"type": "string"}}
        brief = identity | {field.name: _bare(field) for field in c.fields if field.kind != "long"}
        self.row = _object(brief, tuple(brief))
        whole = identity | {field.name: _bare(field) for field in c.fields}
        whole |= {"notes": {"type": "array", "items": {"type": "string"}}, "archived": {"type": "boolean"}}
        self.full = _object(whole, tuple(whole))
        self.limit = _number(f"How many to return, at most {LIMIT_MAX}. The default is {LIMIT}.")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _bare(field: Field) -> Schema:
    return {name: value for name, value in _schema(field).items() if name != "description"}


def _filters(c: Collection) -> dict[str, Schema]:
    many, amount = _words(c.many), c.amount
    filters = {field.name: _schema(field, f"Only {many} with this value. {field.about}") for field in c.of("choice")}
    filters |= {field.name: _schema(field, f"Only {many} of this person. {field.about}") for field in c.of("person")}
    filters |= {
        field.name: _schema(field, f"Only {many} that belong to this id. {field.about}") for field in c.of("ref")
    }
    return filters | {
        f"min_{amount.name}": _schema(amount, f"Only {many} with at least this value. {amount.about}"),
        f"max_{amount.name}": _schema(amount, f"Only {many} with at most this value. {amount.about}"),
        "order_by": _text(
            "The name of a field to sort by. A leading '-' sorts from the largest to the smallest. Records with the "
            "same value are sorted by id. The default is the id."
        ),
    }


def _tools(c: Collection) -> tuple[Tool, ...]:
    shapes = _Shapes(c)
    return (*_reading(c, shapes), *_writing(c, shapes), *_ending(c, shapes))


def _reading(c: Collection, shapes: _Shapes) -> tuple[Tool, ...]:
    one, many = _words(c.one), _words(c.many)
    items: dict[str, Schema] = {"items": {"type": "array", "items": shapes.row}, "total": {"type": "integer"}}
    page: dict[str, Schema] = items | {"next_offset": {"type": ["integer", "null"]}}
    offset = {"offset": _number("How many to pass over; use the next_offset of the page before.")}
    query = {"query": _text("The words to look for, separated by spaces."), "limit": shapes.limit}
    listed = (
        f"Lists {many}, a page at a time. {c.about} All filters that are given have to fit. Long texts and notes are "
        f"left out; get_{c.one} returns them."
    )
    found = (
        f"Finds {many} by words of the {_words(c.title)}. {c.about} All words have to occur; letter case does not "
        "matter. Use it if you know what it is called but not its id."
    )
    got = f"Returns one {one} with all its fields, its long texts and its notes. {c.about}"
    filters = _filters(c) | {"limit": shapes.limit} | offset
    return (
        Tool(f"list_{c.many}", listed, filters, (), _object(page, tuple(page)), list_page, c),
        Tool(f"get_{c.one}", got, shapes.key, ("id",), shapes.full, get, c),
        Tool(f"search_{c.many}", found, query, ("query",), _object(items, tuple(items)), search, c),
    )


def _writing(c: Collection, shapes: _Shapes) -> tuple[Tool, ...]:
    one = _words(c.one)
    created = f"Creates a new {one} and returns it with its id. {c.about} Fields that are left out are empty."
    updated = f"Changes fields of one {one} and returns it. Fields that are left out stay as they are. {c.about}"
    noted = (
        f"Adds a note to one {one}. Notes are seen by everybody who can see the {one}; they cannot be changed later."
    )
    note_of = shapes.key | {"text": _text("The text of the note.")}
    notes = _object({"id": {"type": "string"}, "notes": {"type": "integer"}}, ("id", "notes"))
    return (
        Tool(f"create_{c.one}", created, shapes.values, shapes.needed, shapes.full, create, c),
        Tool(f"update_{c.one}", updated, shapes.key | shapes.values, ("id",), shapes.full, update, c),
        Tool(f"add_{c.one}_note", noted, note_of, ("id", "text"), notes, note, c),
    )


def _ending(c: Collection, shapes: _Shapes) -> tuple[Tool, ...]:
    one, many, key, full = _words(c.one), _words(c.many), shapes.key, shapes.full
    counted = f"Counts {many} by the values of one field. {c.about} Returns the number for each value that occurs."
    deleted = f"Deletes one {one} for good. To keep it out of sight only, use archive_{c.one}."
    traced = f"Lists what was changed on one {one}, the oldest change first. Values are JSON."
    archived = f"Archives one {one}, or takes it back from the archive. Archived ones are not listed or found."
    assigned = f"Gives one {one} to another person, who is informed by mail."
    group = {"group_by": _text("The field to group by.") | {"enum": [field.name for field in c.of("choice")]}}
    groups = _object({"counts": {"type": "object", "additionalProperties": {"type": "integer"}}}, ("counts",))
    change = {name: {"type": "string"} for name in ("field", "before", "after")}
    changes = _object({"changes": {"type": "array", "items": _object(change, tuple(change))}}, ("changes",))
    back = {"archived": {"type": "boolean", "description": "False takes it back. The default is true."}}
    gone = _object({"deleted": {"type": "string"}}, ("deleted",))
    person = {c.person: shapes.values[c.person]}
    return (
        Tool(f"count_{c.many}", counted, group, ("group_by",), groups, count, c),
        Tool(f"delete_{c.one}", deleted, key, ("id",), gone, delete, c),
        Tool(f"trace_{c.one}", traced, key, ("id",), changes, history, c),
        Tool(f"archive_{c.one}", archived, key | back, ("id",), full, archive, c),
        Tool(f"assign_{c.one}", assigned, key | person, ("id", c.person), full, update, c),
    )
