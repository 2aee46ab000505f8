"""The house style, as far as a machine can judge it: `make check` runs this over every Python file.

A rule is a generator function under `@rule`: it gets one parsed file and the house around it, and yields
`(line, message)`. Its docstring is its documentation. Not here: what ruff, basedpyright and import-linter
already check (complexity, positional parameters, types, floors). STYLE.md says why the rules are what they are.

    python tools/tidy.py           the whole tree; prints `path:line: rule: message`, exit status 1 on findings
    python tools/tidy.py --rules   the list of rules
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent

FOLDERS = ("src", "tests", "tools", "bench", "clients", "examples")
SKIPPED = {"__pycache__", "build", "results", "node_modules"}

FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
PATH_LINES_MAX = 69
SMALL_FILE_LINES_MAX = 60
DOOR_NAMES_MAX = 12

NAMELESS = {
    *("util", "utils", "helper", "helpers", "common", "misc"),
    *("service", "services", "models", "schemas", "handlers", "routers"),
}
SANS_IO_ROOMS = {"core", "wire", "dialects"}
IMPURE = {
    *("asyncio", "concurrent", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets"),
    *(
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
    ),
    *("uvloop", "urllib.request"),
}
IMPURE_CALLS = {"open", "print", "input"}
WORKER_ROOMS = {
    "core",
    "wire",
    "dialects",
    "telemetry",
    "upstream",
    "routing",
    "governance",
    "cluster",
    "records",
    "storage",
    "pipeline",
    "edge",
}
HEAVY = {"pydantic", "genai_prices", "yaml", "click", "rich", "fastapi", "starlette", "uvicorn"}
SIBLING_ROOMS = {"dialects", "providers"}
FREE_TESTS = {
    "journeys",
    "cases",
    "extending",
    "kits",
    "fakes",
    "recordings",
    "tools",
    "docs",
    "bench",
    "proofs",
    "ui",
    "attacks",
}
DIALECT_CASES_MIN = {"request": 8, "reply": 6, "stream": 6, "error": 5}
MUTABLE_CALLS = {"list", "dict", "set", "bytearray", "defaultdict", "deque", "OrderedDict", "Counter"}


class Finding(NamedTuple):
    """One departure from the style."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.message}"


class Source:
    """One parsed file. `path` is relative to the root of the house."""

    def __init__(self, path: PurePosixPath, text: str) -> None:
        self.path = path
        self.text = text
        self.lines = text.splitlines()
        self.tree = ast.parse(text, filename=str(path))
        self.nodes = list(ast.walk(self.tree))

    @cached_property
    def comments(self) -> dict[int, str]:
        """Comments by line number, with their `#`."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}

    @property
    def folder(self) -> str:
        """The first part of the path: src, tests, tools ..."""
        return self.path.parts[0]

    @property
    def inside(self) -> tuple[str, ...]:
        """The path below src/asbru without `.py` and `__init__`; () outside of it and for the package root."""
        if self.path.parts[:2] != ("src", "asbru"):
            return ()
        parts = self.path.with_suffix("").parts[2:]
        return parts[:-1] if parts[-1] == "__init__" else parts

    @property
    def room(self) -> str:
        """The room this file belongs to; "" outside of src/asbru and for the package root."""
        return self.inside[0] if self.inside else ""

    @property
    def is_door(self) -> bool:
        """Whether this is an `__init__.py`."""
        return self.path.name == "__init__.py"

    def imports(self) -> Iterator[tuple[int, str, str]]:
        """(line, module, name) of every import, wherever it stands; name is "" for `import module`."""
        for node in self.nodes:
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = ".".join(filter(None, (self._package(node.level), node.module)))
                yield from ((node.lineno, module, alias.name) for alias in node.names)

    def _package(self, level: int) -> str:
        """What the dots of a relative import stand for."""
        if not level:
            return ""
        parts = ("asbru", *self.inside) if self.path.parts[:2] == ("src", "asbru") else self.path.parts
        up = level - 1 if self.is_door and self.folder == "src" else level
        return ".".join(parts[: len(parts) - up])


class House:
    """The tree that is checked, for rules that must look beyond one file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.package = root / "src" / "asbru"
        self.door_names = cache(self._door_names)

    def sources(self) -> Iterator[Source | Finding]:
        """Every Python file, parsed; a Finding for one that does not parse."""
        for folder in FOLDERS:
            for path in sorted((self.root / folder).rglob("*.py")):
                relative = PurePosixPath(path.relative_to(self.root).as_posix())
                if SKIPPED.intersection(relative.parts) or any(part.startswith(".") for part in relative.parts):
                    continue
                try:
                    yield Source(relative, path.read_text(encoding="utf-8"))
                except (SyntaxError, UnicodeDecodeError) as error:
                    yield Finding(str(relative), getattr(error, "lineno", None) or 1, "parses", str(error))

    def is_module(self, *parts: str) -> bool:
        """Whether src/asbru/<parts> is a file or a package."""
        path = self.package.joinpath(*parts)
        return path.with_suffix(".py").is_file() or self.is_package(*parts)

    def is_package(self, *parts: str) -> bool:
        """Whether src/asbru/<parts> is a package."""
        return (self.package.joinpath(*parts) / "__init__.py").is_file()

    def _door_names(self, room: str) -> list[str] | None:
        """What `__all__` of a room lists; None when there is none."""
        try:
            return exported(ast.parse((self.package / room / "__init__.py").read_text(encoding="utf-8")))
        except (OSError, SyntaxError):
            return None


Rule = Callable[[Source, House], Iterator[tuple[int, str]]]
RULES: dict[str, Rule] = {}


def rule(check: Rule) -> Rule:
    """Registers a rule under its function's name, with dashes."""
    RULES[check.__name__.replace("_", "-")] = check
    return check


def exported(tree: ast.Module) -> list[str] | None:
    """The strings in a module's `__all__`; None when it has none."""
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
        if named and isinstance(value := getattr(node, "value", None), ast.List | ast.Tuple):
            return [item.value for item in value.elts if isinstance(item, ast.Constant)]
    return None


# --- size -----------------------------------------------------------------------------------------------


@rule
def file_size(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """A file has at most 600 lines, and the path itself (pipeline/serve.py) fewer than 70."""
    limit = PATH_LINES_MAX if source.inside == ("pipeline", "serve") else FILE_LINES_MAX
    if len(source.lines) > limit:
        yield limit + 1, f"{len(source.lines)} lines, at most {limit}: split it by noun"


@rule
def function_size(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """A function has at most 70 lines, from `def` to its end."""
    for node in functions(source):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES_MAX:
            yield node.lineno, f"{node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"


# --- words ----------------------------------------------------------------------------------------------


@rule
def opening(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """A file opens with a docstring: what it is, what it is not. One sentence will do up to 60 lines."""
    words = ast.get_docstring(source.tree)
    if not words:
        if source.text.strip():
            yield 1, "no docstring: say in two to six lines what this file is, and what it is not"
    elif source.folder == "src" and len(source.lines) > SMALL_FILE_LINES_MAX and "\n" not in words.strip():
        yield 1, "one line of docstring for a file of this size: say also what it is not"


@rule
def named_by_noun(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """No module or folder is named for being code (utils, models, handlers ...)."""
    nameless = NAMELESS.intersection(source.inside) if source.inside else NAMELESS & {source.path.stem}
    for name in sorted(nameless):
        yield 1, f"'{name}' says nothing about what is in it: find the noun"


@rule
def excused(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """Whatever silences a checker names the code it silences, and says why."""
    for line, comment in source.comments.items():
        for word in re.finditer(r"#\s*(noqa|type:\s*ignore|pyright:\s*ignore)\b(.*)", comment):
            code = r":\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*" if word[1] == "noqa" else r"\[[\w\-, ]+\]"
            coded = re.match(rf"\s*{code}(.*)", word[2])
            if not coded:
                yield line, f"'{word[1]}' without a code silences everything"
            elif not re.search(r"\w{2}", re.sub(r"#\s*(noqa|type|pyright)\b.*", "", coded[1])):
                yield line, f"'{word[1]}' without a reason: write it after the code"


@rule
def broad_except(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """An except that catches everything says, on its line or the one above, who is told.

    One that ends by raising again needs no words: nothing is hidden.
    """
    for node in source.nodes:
        if not isinstance(node, ast.ExceptHandler) or not catches_all(node.type):
            continue
        last = node.body[-1]
        if isinstance(last, ast.Raise) and last.exc is None:
            continue
        said = source.comments.get(node.lineno, ""), source.comments.get(node.lineno - 1, "")
        if not any(re.search(r"\w{2}", re.sub(r"noqa(:\s*[A-Z]+\d+)?", "", comment)) for comment in said):
            yield node.lineno, "catches everything: add a comment saying who is told"


def catches_all(caught: ast.expr | None) -> bool:
    """Whether an except clause takes Exception, BaseException or anything at all."""
    if isinstance(caught, ast.Tuple):
        return any(catches_all(item) for item in caught.elts)
    return caught is None or (isinstance(caught, ast.Name) and caught.id in {"Exception", "BaseException"})


# --- floors and doors -----------------------------------------------------------------------------------


@rule
def sans_io(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """core, wire and dialects take input and return output: no I/O, clock, randomness, threads or log."""
    if source.room not in SANS_IO_ROOMS:
        return
    for line, module, name in source.imports():
        if within(IMPURE, module) or within(IMPURE, f"{module}.{name}"):
            yield line, f"{source.room} is pure and cannot import {module}"
    for node in source.nodes:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
            yield node.lineno, f"{source.room} is pure and cannot call {node.func.id}()"


@rule
def light_workers(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """Rooms that a worker or the bookkeeper loads do without what the compile process, the control process and the
    terminal need: pydantic, YAML, the price library, FastAPI, uvicorn, click, rich."""
    if source.room not in WORKER_ROOMS:
        return
    for line, module, _ in source.imports():
        if within(HEAVY, module):
            yield line, f"a worker must not load {module} (docs/decisions/0005-processes.md)"


@rule
def front_door(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """Every room's `__init__.py` lists in `__all__` what it offers: at most 12 names. Provider folders are exempt."""
    if source.inside and not source.is_door and not house.is_package(*source.inside[:-1]):
        yield 1, f"asbru/{'/'.join(source.inside[:-1])} has no __init__.py: every room has a door"
    if not source.is_door or not source.inside or (source.room == "providers" and len(source.inside) > 1):
        return
    names = exported(source.tree)
    if names is None:
        yield 1, "a front door needs __all__ (an empty list when it offers nothing)"
    elif len(names) > DOOR_NAMES_MAX:
        yield (
            1,
            f"{len(names)} names in __all__, at most {DOOR_NAMES_MAX}: the room does too much, or tells too much",
        )


@rule
def by_the_door(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """A room is entered by its door: `from asbru.wire import SseReader`, never `from asbru.wire.sse import ...`.

    Doors are the room itself, its sub-packages, and the modules its `__all__` lists. Only names of `__all__` are
    taken. Inside a room everything is open, and commands in cli may import anything inside a function.
    """
    if not source.inside:
        return
    lazy = lazy_lines(source) if source.room == "cli" else set[int]()
    for line, module, name in source.imports():
        root, *parts = module.split(".")
        if root != "asbru" or line in lazy:
            continue
        room, *rest = parts or [name]
        if room == source.room or not house.is_package(room):
            continue
        offered = house.door_names(room) or []
        if rest and not house.is_package(room, *rest) and rest[0] not in offered:
            yield line, f"{module} is inside a room: import from asbru.{room}"
        elif parts and not rest and name and name not in offered and not house.is_package(room, name):
            yield line, f"asbru.{room} does not offer {name} in its __all__"


def lazy_lines(source: Source) -> set[int]:
    """Line numbers inside functions."""
    return {line for node in functions(source) for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


@rule
def strangers(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """Folders of an open set (a dialect, a provider) do not import each other; what they share lies beside them."""
    if source.room not in SIBLING_ROOMS or not house.is_package(*source.inside[:2]) or len(source.inside) < 2:
        return
    for line, module, name in source.imports():
        parts = (*module.split("."), name)
        if parts[:2] != ("asbru", source.room) or len(parts) < 3 or parts[2] == source.inside[1]:
            continue
        if house.is_package(source.room, parts[2]):
            yield line, f"{source.inside[1]} must not know {parts[2]}"


@rule
def dialect_cases(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """A dialect's folder has golden cases of every kind, so that tests/kits/test_dialects.py has something to take; but
    one whose operations have no chat."""
    if source.room != "dialects" or not source.is_door or len(source.inside) != 2:
        return
    operations = house.root / source.path.parent / "operations.py"
    if operations.is_file() and '"chat"' not in operations.read_text("utf-8"):
        return
    folder = house.root / "tests" / "cases" / source.inside[1]
    for kind, least in DIALECT_CASES_MIN.items():
        found = len(list(folder.glob(f"{kind}_*.json")))
        if found < least:
            yield 1, f"{found} golden cases tests/cases/{source.inside[1]}/{kind}_*.json, at least {least}"
    if not any(isinstance(target, ast.Name) and target.id == "DIALECT" for target in assigned(source.tree)):
        yield 1, "no DIALECT: the suite over dialects (tests/kits/test_dialects.py) does not find it"


def assigned(tree: ast.Module) -> Iterator[ast.expr]:
    """What a module assigns to at its top."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from node.targets
        elif isinstance(node, ast.AnnAssign):
            yield node.target


@rule
def global_state(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """No mutable module globals in src: tables are UPPER_CASE and never written to, state lives in objects."""
    if source.folder != "src":
        return
    for node in source.tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not is_mutable(node.value):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name) and not re.fullmatch(r"_{0,2}[A-Z][A-Z0-9_]*|__all__", target.id):
                yield (
                    node.lineno,
                    f"{target.id} is mutable: a table is UPPER_CASE, state belongs to an object",
                )
    for node in source.nodes:
        if isinstance(node, ast.Global):
            yield node.lineno, "'global': state belongs to an object that app builds"


def is_mutable(value: ast.expr | None) -> bool:
    """Whether an expression makes a list, dict, set or the like."""
    if isinstance(value, ast.Call):
        called = value.func.value if isinstance(value.func, ast.Subscript) else value.func
        name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        return name in MUTABLE_CALLS
    return isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


# --- tests ----------------------------------------------------------------------------------------------


@rule
def mirror(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """tests/<room>/test_x.py tests src/asbru/<room>/x; test_x_y.py may take one aspect of a large x."""
    if source.folder != "tests" or not source.path.name.startswith("test_"):
        return
    rooms = source.path.parts[1:-1]
    if rooms and rooms[0] in FREE_TESTS:
        return
    subject = source.path.stem.removeprefix("test_")
    words = subject.split("_")
    candidates = ["_".join(words[:count]) for count in range(len(words), 0, -1)]
    if rooms and rooms[-1] in candidates and house.is_package(*rooms):
        return
    if not any(house.is_module(*rooms, candidate) for candidate in candidates):
        yield 1, f"no src/asbru/{'/'.join((*rooms, subject))}: a test file is named for the module it tests"


@rule
def says_behaviour(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """Every test has a docstring that states the behaviour."""
    if source.folder not in {"tests", "clients"}:
        return
    for node in functions(source):
        if node.name.startswith("test_") and not ast.get_docstring(node):
            yield node.lineno, f"{node.name} has no docstring: state the behaviour in one sentence"


@rule
def no_sleep(source: Source, house: House) -> Iterator[tuple[int, str]]:
    """Tests do not sleep: they wait for something, with a deadline. Only tests/fakes may pause."""
    if source.folder != "tests" or source.path.parts[1] == "fakes":
        return
    for line, module, name in source.imports():
        if (module, name) in {("time", "sleep"), ("asyncio", "sleep")}:
            yield line, f"import {module} and call {module}.sleep, so that it can be seen"
    for node in source.nodes:
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        pause = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else 0
        if called == "time.sleep" or (called == "asyncio.sleep" and pause):
            yield node.lineno, f"{called} in a test: wait for the event itself, with a deadline"


# --- running --------------------------------------------------------------------------------------------


def functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a file."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def within(names: set[str], module: str) -> bool:
    """Whether a dotted module is one of the names or inside one."""
    return any(module == name or module.startswith(f"{name}.") for name in names)


def check_source(source: Source, house: House) -> list[Finding]:
    """What all rules find in one file, by line."""
    found = [
        Finding(str(source.path), line, name, message)
        for name, check in RULES.items()
        for line, message in check(source, house)
    ]
    return sorted(dict.fromkeys(found), key=lambda finding: (finding.line, finding.rule))


def check_house(root: Path) -> list[Finding]:
    """What all rules find in the tree below `root`."""
    house = House(root)
    found: list[Finding] = []
    for source in house.sources():
        found += [source] if isinstance(source, Finding) else check_source(source, house)
    return found


def main(arguments: list[str]) -> int:
    """Prints the findings, or the rules. Returns 1 when anything was found."""
    if arguments == ["--rules"]:
        for name, check in RULES.items():
            print(f"{name:<16} {(check.__doc__ or '').splitlines()[0]}")
        return 0
    found = check_house(ROOT)
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
