"""Conditions: a part of CEL that ends, at a cost that its length bounds.

    taken     literals, operators but / and %, `a ? b : c`, `in`, `has`, `startsWith`, `endsWith`, `contains`, `size`
    refused   loops (`all`, `exists`, `map` ...), `matches`, raw and triple-quoted strings, comments, other functions

Maps are read by names that stand in the text (`headers["user-agent"]`), so that it is known beforehand what a call must
be asked for. A condition that cannot be evaluated, as where a map lacks the name, does not hold.

The engine is loaded with the first condition, and of its package only the extension: the package itself imports a
command line, at 25 MB and a fifth of a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Protocol, cast

import msgspec

from asbru.routing.rules.rule import CONDITION_CHARS_MAX

VARIABLES: Mapping[str, object] = {
    "model": "",
    "provider": "",
    "request_type": "",
    "surface": "",
    "virtual_key_id": "",
    "virtual_key_name": "",
    "team_id": "",
    "team_name": "",
    "customer_id": "",
    "customer_name": "",
    "budget_used": 0.0,
    "tokens_used": 0.0,
    "request": 0.0,
}
"""What a condition may read, and a value of its type."""

MAPS = ("headers", "params", "tags")
"""What is read by name; all values are text."""

_OPERATORS = ("!_", "-_", "_+_", "_-_", "_*_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_&&_", "_||_", "_?_:_")
_FUNCTIONS = frozenset((*_OPERATORS, "_[_]", "@in", "contains", "startsWith", "endsWith", "size"))
_LOOPS = frozenset(
    ["all", "exists", "exists_one", "existsOne", "map", "filter", "transformList", "transformMap", "bind"]
)
_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"""
    r"""|(?P<number>[0-9][0-9A-Za-z.]*)|(?P<comment>//)|(?P<mark>[^\s]))"""
)
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,128}")
_SAID_CHARS_MAX = 200


class RuleProblem(msgspec.Struct, frozen=True):
    """What is wrong with a condition, and where; lines and columns count from 1."""

    message: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


class Context(Protocol):
    """The values of variables for one call, as the engine keeps them."""

    def add_variable(self, name: str, value: object) -> None:
        """Set one."""
        ...


class _Program(Protocol):
    def execute(self, context: object) -> object: ...
    def functions(self) -> list[str]: ...
    def variables(self) -> list[str]: ...


class _Engine(Protocol):
    Context: Callable[[dict[str, object]], Context]

    def compile(self, expression: str) -> _Program: ...


@cache
def _engine() -> _Engine:
    from importlib import util  # here: only gateways with a rule pay for it
    from pathlib import Path

    found = util.find_spec("cel")
    assert found is not None and found.submodule_search_locations, "a dependency of this package"
    place = next(Path(found.submodule_search_locations[0]).glob("cel.*.so"))
    extension = util.spec_from_file_location("cel", place)
    assert extension is not None and extension.loader is not None
    engine = util.module_from_spec(extension)
    extension.loader.exec_module(engine)
    return cast("_Engine", engine)


def make_context(values: dict[str, object]) -> Context:
    """The values of variables for one call: made once, since it costs ten times what a condition does."""
    return _engine().Context(values)


class Condition:
    """A condition that was checked. `reads`: the variables; `names`: of each map, the names that are read of it."""

    __slots__ = ("_program", "names", "reads")

    def __init__(self, text: str) -> None:
        """Raises ValueError for what `check_rule` complains about."""
        self.names, problems = _read_names(text)
        if problems:
            raise ValueError(str(problems[0]))
        self._program = _engine().compile(text)
        self.reads = frozenset(self._program.variables())

    def holds(self, context: Context) -> bool:
        """Whether it holds; raises whatever the engine does when it cannot be evaluated."""
        return self._program.execute(context) is True


def check_rule(text: str, more: Mapping[str, object] = {}) -> list[RuleProblem]:
    """What is wrong with a condition; [] for nothing, also for an empty one, which always holds. `more`: variables
    besides the usual ones, each with a value of its type."""
    if not text.strip():
        return []
    if len(text) > CONDITION_CHARS_MAX:
        return [RuleProblem(f"expected at most {CONDITION_CHARS_MAX} characters, got {len(text)}")]
    names, problems = _read_names(text)
    if problems:
        return problems
    try:
        program = _engine().compile(text)
    except ValueError as error:
        place = _PLACE.search(str(error))
        if place is None:
            return [RuleProblem("nested too deeply, or no CEL expression")]
        return [RuleProblem(place[3][:_SAID_CHARS_MAX], int(place[1]), int(place[2]))]
    problems = [
        _at(text, name, f"unknown variable {name!r}; expected one of {', '.join((*more, *VARIABLES, *MAPS))}")
        for name in program.variables()
        if name not in VARIABLES and name not in MAPS and name not in more
    ]
    problems += [
        _at(text, name, f"{name!r} cannot be used; expected startsWith, endsWith, contains, size or has")
        for name in (function.strip("_@") for function in program.functions() if function not in _FUNCTIONS)
    ]
    return problems or _try_out(program, names, more)


def _try_out(program: _Program, names: Mapping[str, frozenset[str]], more: Mapping[str, object]) -> list[RuleProblem]:
    """What the types make impossible: tried with all names there, and with none."""
    for there in (True, False):
        maps = {one: dict.fromkeys(names.get(one, ()) if there else (), "") for one in MAPS}
        try:
            result = program.execute(make_context({**VARIABLES, **more, **maps}))
        except KeyError:
            continue  # a name that is not there: the condition does not hold
        except Exception as error:  # noqa: BLE001 -- whoever writes the rule is told
            return [RuleProblem(str(error).partition(". Check")[0][:_SAID_CHARS_MAX])]
        if not isinstance(result, bool):
            return [RuleProblem(f"expected a condition that is true or false, got {type(result).__name__}")]
    return []


def _read_names(text: str) -> tuple[dict[str, frozenset[str]], list[RuleProblem]]:
    """The names that are read of each map, and what stands in the text that is not taken."""
    tokens = list(_TOKEN.finditer(text))
    names: dict[str, set[str]] = {}
    problems: list[RuleProblem] = []
    for at, token in enumerate(tokens):
        before = tokens[at - 1] if at else None
        after = [one[0].strip() for one in tokens[at + 1 : at + 4]]
        word = token["word"]
        if token["comment"]:
            problems.append(_there(text, token, "a condition cannot contain comments"))
        elif token["text"] and before is not None and (before["word"] or before["text"]) and _touch(before, token):
            problems.append(_there(text, token, "expected a plain string: no prefix, no triple quotes"))
        elif word in _LOOPS and before is not None and before["mark"] == "." and after[:1] == ["("]:
            problems.append(_there(text, token, f"'{word}' cannot be used: a condition cannot contain loops"))
        elif word in MAPS and (before is None or before["mark"] != "."):
            name = _name_of(tokens, at, after)
            if name is None or not _NAME.fullmatch(name):
                problems.append(_there(text, token, f'expected {word}["name"], the name in lower case'))
            else:
                names.setdefault(word, set()).add(name)
    return {one: frozenset(found) for one, found in names.items()}, problems


def _name_of(tokens: list[re.Match[str]], at: int, after: list[str]) -> str | None:
    """The name read of the map at `at`: `headers["x"]`, `headers.x` or `"x" in headers`."""
    if after[:1] == ["["] and after[2:3] == ["]"] and tokens[at + 2]["text"]:
        return after[1][1:-1]
    if after[:1] == ["."] and tokens[at + 2]["word"]:
        return after[1]
    if at > 1 and tokens[at - 1]["word"] == "in" and tokens[at - 2]["text"] and after[:1] not in (["["], ["."]):
        return tokens[at - 2]["text"][1:-1]
    return None


def _touch(before: re.Match[str], token: re.Match[str]) -> bool:
    return before.end() == token.start("text")


def _there(text: str, token: re.Match[str], message: str) -> RuleProblem:
    start = token.start(token.lastgroup or 0)
    return RuleProblem(message, text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start))


def _at(text: str, word: str, message: str) -> RuleProblem:
    """A problem at the first place where `word` stands as a word of its own, else at the beginning."""
    found = next((one for one in _TOKEN.finditer(text) if word in (one["word"], one["mark"])), None)
    return RuleProblem(message) if found is None else _there(text, found, message)
