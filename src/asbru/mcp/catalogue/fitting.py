"""Whether arguments are what a tool declares: types, and names but for their letter case. No validation: what the
schema leaves open is open, and all that JSON Schema knows besides is the server's business.

Who judges arguments by name and type must know that the server reads them alike: many take "5" for 5, and some take
`Path` for `path`.
"""

from __future__ import annotations

from typing import Final

from asbru.mcp.loose import as_list, as_object

_DEPTH_MAX: Final = 32
_TYPES: Final[dict[str, tuple[type[object], ...]]] = {
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def unfitting(schema: object, value: object, where: str = "", depth: int = _DEPTH_MAX) -> str:
    """What of a value is not as its schema declares it, such as `path` or `files.0`; "" where all is."""
    members = as_object(schema)
    declared = members.get("type")
    kinds = [declared] if isinstance(declared, str) else as_list(declared)
    types = {found for kind in kinds for found in _TYPES.get(str(kind), (type(value),))}
    if depth == 0 or (types and type(value) not in types):
        return where or "arguments"
    inner = [
        (f"{where}.{at}" if where else str(at), members.get("items"), one) for at, one in enumerate(as_list(value))
    ]
    properties = as_object(members.get("properties"))
    folded = {name.casefold() for name in properties}
    for name, one in as_object(value).items():
        place = f"{where}.{name}" if where else name
        if name not in properties and name.casefold() in folded:
            return place
        inner.append((place, properties.get(name), one))
    return next((found for place, one, held in inner if (found := unfitting(one, held, place, depth - 1))), "")
