"""The overview: what calls came to in a span of time, and in the one before it, read from the sums only.

    none of the filters   all calls, and those of each value of a dimension, have series of their own
    one filter            the series of its value; groups from the combinations that hold it
    several               the combinations that hold all of them

So what is read grows with the length of the span and with the series, and not with the records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from asbru.records.rollups import histogram
from asbru.records.rollups.facts import SUMS
from asbru.records.rollups.fold import EACH, TIERS, TOTAL
from asbru.records.rollups.span import Piece, Span, cut, plan_span, usual_step
from asbru.records.sums import OTHERS
from asbru.storage import Database, open_reader

GROUPS_MAX: Final = 10
OTHER_GROUPS: Final = "others"
ERRORS_MAX: Final = 50
HISTOGRAMS_MAX: Final = 10_000
"""Rows whose histograms are added up for one answer; beyond it percentiles are unknown."""
SERIES_POINTS_MAX: Final = 50_000
"""Rows that points may be made of; beyond it they are made of a coarser tier."""
BY: Final = ("provider", "model", "caller", "team", "customer")
FILTERS: Final = (*BY, "surface")
_LATENCY: Final = (0.5, 0.95, 0.99)
_FIRST: Final = (0.5, 0.95)
_ADDED: Final = ", ".join(f"SUM(r.{name})" for name in SUMS)
_ALL: Final = "''"
_FROM: Final = "FROM rollup_series AS s CROSS JOIN rollups AS r"
_WITHIN: Final = "r.tier = ? AND r.series = s.id AND r.at >= ? AND r.at < ?"


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Sums of calls. `input_tokens` include those read from a cache, which `cached_tokens` are alone. Percentiles are
    of the calls that a provider was asked for; null where there were none."""

    calls: int = 0
    failed: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_nanousd: int = 0
    latency_p50_us: int | None = None
    latency_p95_us: int | None = None
    latency_p99_us: int | None = None
    first_token_p50_us: int | None = None
    first_token_p95_us: int | None = None


class Point(Figures, frozen=True, kw_only=True):
    """The sums of one step of time, from `at_ms` on."""

    at_ms: int


class GroupPoint(msgspec.Struct, frozen=True):
    """The sums of one step of time, for a group."""

    at_ms: int
    calls: int
    failed: int
    cost_nanousd: int
    tokens: int


class Group(msgspec.Struct, frozen=True):
    """The calls of one value of a dimension. Percentiles of `others`, and of `before`, are null."""

    name: str
    totals: Figures
    before: Figures
    points: list[GroupPoint]


class ErrorCount(msgspec.Struct, frozen=True):
    """How many calls ended with an error."""

    code: str
    calls: int


class Times(msgspec.Struct, frozen=True):
    """What the answer is about: it begins at a multiple of the step, so that points stay where they are."""

    since_ms: int
    until_ms: int
    step_s: int


class Overview(msgspec.Struct, frozen=True):
    """What calls came to. `before`: the span of the same length before. `groups`: the ten that cost most, and
    `others`; none unless asked for."""

    span: Times
    totals: Figures
    before: Figures
    points: list[Point]
    groups: list[Group]
    errors: list[ErrorCount]


class Asked(NamedTuple):
    """What is asked for. `by`: one of BY, "" for no groups; `where`: values of FILTERS; `within`: a filter and the
    values of it that count at all."""

    since_ms: int
    until_ms: int
    step_s: int | None = None
    by: str = ""
    where: Mapping[str, str] = {}
    within: tuple[str, Sequence[str]] | None = None


class _Histograms(NamedTuple):
    """Of some calls."""

    latency: Mapping[int, int]
    first_token: Mapping[int, int]


_NO_HISTOGRAMS: Final = _Histograms({}, {})


class _Series(NamedTuple):
    """Which series are read: of a view, whose columns have one of these values."""

    view: str
    where: Mapping[str, Sequence[str]]

    @property
    def sql(self) -> str:
        listed = (
            f"s.{name} IN ({', '.join('?' * len(values))})" if values else "0 = 1"
            for name, values in self.where.items()
        )
        return " AND ".join(["s.view = ?", *listed])

    @property
    def bound(self) -> tuple[str, ...]:
        return (self.view, *(value for values in self.where.values() for value in values))


def read_overview(url: str, asked: Asked) -> Overview:
    """See the module. Raises ValueError for a dimension that there is not."""
    unknown = {asked.by} - {"", *BY} or set(asked.where) - set(FILTERS)
    if unknown:
        raise ValueError(f"expected some of {', '.join(FILTERS)}, got {', '.join(sorted(unknown))}")
    database = open_reader(url)
    if database is None:
        return _write(plan_span(asked.since_ms, asked.until_ms, asked.step_s, {}), {}, {}, [])
    try:
        return Reader(database, asked).read()
    finally:
        database.close()


class Reader:
    """One answer."""

    def __init__(self, database: Database, asked: Asked) -> None:
        self._database = database
        self._by = asked.by
        where: dict[str, Sequence[str]] = {name: (value,) for name, value in asked.where.items()}
        if asked.within is not None:
            name, values = asked.within
            where[name] = [value for value in values if value in where.get(name, values)]
        view = TOTAL if not where else next(iter(where)) if len(where) == 1 else EACH
        self._series = _Series(view, where)
        self._oldest = self._load_oldest()
        self._span = plan_span(asked.since_ms, asked.until_ms, self._bounded_step(asked), self._oldest)
        self._pieces = cut(self._span, self._oldest)

    def read(self) -> Overview:
        now = self._sums_by(self._pieces, ("", self._by, "error"))
        then = self._sums_by(cut(self._span.before, self._oldest), ("", self._by))
        summed, places = self._point_sums(), self._histograms_by_place()
        if places is None:  # those of longer rows are fewer
            whole_span = _merged(self._packed(self._pieces))
        else:
            whole_span = _added(places.values())
        totals = _figures(now[""].get("", _NOTHING), whole_span)
        points = {at: _figures(sums, (places or {}).get(at, _NO_HISTOGRAMS)) for at, sums in summed.items()}
        groups = self._groups(now[self._by], then[self._by], points) if self._by else ()
        whole = {"totals": totals, "before": _figures(then[""].get("", _NOTHING), _NO_HISTOGRAMS)}
        return _write(self._span, whole, points, _errors(now["error"]), groups=groups)

    def _within(self, dimension: str) -> _Series:
        """The series that tell a dimension's values apart."""
        where = self._series.where
        return _Series(dimension if not where or set(where) == {dimension} else EACH, where)

    def _load_oldest(self) -> dict[int, int]:
        oldest: dict[int, int] = {}
        for tier in TIERS:
            ((found,),) = self._database.run(
                f"SELECT MIN(r.at) {_FROM} WHERE s.view = ? AND r.tier = ? AND r.series = s.id",
                (TOTAL, tier),
            )
            if found is not None:
                oldest[tier] = int(str(found))
        return oldest

    def _bounded_step(self, asked: Asked) -> int | None:
        """The step that was asked for, or a longer one where there are too many series for it."""
        if self._series.view != EACH:
            return asked.step_s
        ((count,),) = self._database.run(
            f"SELECT COUNT(*) FROM rollup_series AS s WHERE {self._series.sql}",  # noqa: S608 -- our own names
            self._series.bound,
        )
        length_s = (asked.until_ms - asked.since_ms) // 1000
        rows = int(str(count)) * length_s
        tier = next((tier for tier in TIERS if rows <= SERIES_POINTS_MAX * tier), TIERS[-1])
        return max(asked.step_s or usual_step(length_s), tier)

    def _run(
        self, selected: str, series: _Series, piece: Piece, more: str = "", *, values: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        statement = f"SELECT {selected} {_FROM} WHERE {series.sql} AND {_WITHIN}{more}"
        return self._database.run(statement, (*series.bound, *piece, *values))

    def _sums_by(self, pieces: Sequence[Piece], dimensions: Iterable[str]) -> dict[str, dict[str, list[int]]]:
        """The sums by the values of each dimension; of all calls, by "", for the dimension "". Series that tell
        several dimensions apart are read once."""
        by_series: dict[str, tuple[_Series, list[str]]] = {}
        for one in dict.fromkeys(dimensions):
            series = self._within(one) if one else self._series
            by_series.setdefault(series.view, (series, []))[1].append(one)
        sums: dict[str, dict[str, list[int]]] = {one: {} for one in dimensions}
        for series, told in by_series.values():
            columns = "".join(f"{f's.{one}' if one else _ALL}, " for one in told)
            grouped = f" GROUP BY {', '.join(str(place + 1) for place in range(len(told)))}"
            for piece in pieces:
                for found in self._run(columns + _ADDED, series, piece, grouped):
                    for one, value in zip(told, found, strict=False):
                        _add(sums[one].setdefault(value, [0] * len(SUMS)), found[len(told) :])
        return sums

    def _packed(self, pieces: Iterable[Piece]) -> Sequence[tuple[bytes, bytes]]:
        """The histograms of a span; none where they are too many."""
        rows: list[tuple[bytes, bytes]] = []
        for piece in pieces:
            left = HISTOGRAMS_MAX - len(rows)
            rows += self._run("r.latency, r.first_token", self._series, piece, f" LIMIT {left}")
        return rows if len(rows) < HISTOGRAMS_MAX else ()

    def _point_sums(self) -> dict[int, Sequence[int]]:
        """By the second at which the points begin."""
        span = self._span
        place = f"{span.since} + (r.at - {span.since}) / {span.step} * {span.step}"
        return {at: sums for at, *sums in self._run(f"{place}, {_ADDED}", self._series, self._row, " GROUP BY 1")}

    def _histograms_by_place(self) -> dict[int, _Histograms] | None:
        """By the second at which the points begin; None where they are too many."""
        span = self._span
        rows = self._run("r.at, r.latency, r.first_token", self._series, self._row, f" LIMIT {HISTOGRAMS_MAX}")
        if len(rows) == HISTOGRAMS_MAX:
            return None
        packed: dict[int, list[tuple[bytes, bytes]]] = {}
        for at, latency, first_token in rows:
            begin = span.since + (at - span.since) // span.step * span.step
            packed.setdefault(begin, []).append((latency, first_token))
        return {at: _merged(several) for at, several in packed.items()}

    @property
    def _row(self) -> Piece:
        """The span, by the rows that points are made of."""
        return Piece(self._span.tier, self._span.since, self._span.until)

    def _groups(
        self,
        now: Mapping[str, Sequence[int]],
        then: Mapping[str, Sequence[int]],
        points: Mapping[int, Figures],
    ) -> list[Group]:
        seen = {name for by_name in (now, then) for name, sums in by_name.items() if any(sums)}
        ranked = sorted(
            seen - {OTHERS},
            key=lambda name: (-_cost(now, name), -now.get(name, _NOTHING)[0], -then.get(name, _NOTHING)[0], name),
        )
        named, rest = ranked[:GROUPS_MAX], [*ranked[GROUPS_MAX:], OTHERS]
        packed = self._histograms(named) if named else {}
        lines = self._points_by_name(named) if named else {}
        groups = [
            Group(
                name,
                _figures(now.get(name, _NOTHING), _merged(packed.get(name, ()))),
                _figures(then.get(name, _NOTHING), _NO_HISTOGRAMS),
                lines.get(name, []),
            )
            for name in named
        ]
        if any(name in seen for name in rest):
            sums = (_total(by_name.get(name, _NOTHING) for name in rest) for by_name in (now, then))
            figures = [_figures(one, _NO_HISTOGRAMS) for one in sums]
            left = _left(points, lines.values())
            groups.append(Group(OTHER_GROUPS, figures[0], figures[1], left))
        return groups

    def _histograms(self, names: Sequence[str]) -> dict[str, list[tuple[bytes, bytes]]]:
        rows: dict[str, list[tuple[bytes, bytes]]] = {}
        count = 0
        for piece in self._pieces:
            selected = f"s.{self._by}, r.latency, r.first_token"
            found = self._run(
                selected, self._within(self._by), piece, f"{self._named(names)} LIMIT {HISTOGRAMS_MAX}", values=names
            )
            count += len(found)
            for name, latency, first_token in found:
                rows.setdefault(name, []).append((latency, first_token))
        return rows if count < HISTOGRAMS_MAX else {}

    def _points_by_name(self, names: Sequence[str]) -> dict[str, list[GroupPoint]]:
        span = self._span
        selected = (
            f"s.{self._by}, (r.at - {span.since}) / {span.step}, SUM(r.calls), SUM(r.failed), SUM(r.cost_nanousd), "
            "SUM(r.input_tokens + r.output_tokens)"
        )
        lines: dict[str, list[GroupPoint]] = {}
        for name, at, *sums in self._run(
            selected,
            self._within(self._by),
            self._row,
            f"{self._named(names)} GROUP BY 1, 2 ORDER BY 1, 2",
            values=names,
        ):
            at_ms = (span.since + at * span.step) * 1000
            lines.setdefault(name, []).append(GroupPoint(at_ms, sums[0], sums[1], sums[2], sums[3]))
        return lines

    def _named(self, names: Sequence[str]) -> str:
        return f" AND s.{self._by} IN ({', '.join('?' * len(names))})"


def _errors(by_code: Mapping[str, Sequence[int]]) -> list[ErrorCount]:
    counts = ((code, sums[0]) for code, sums in by_code.items() if code and sums[0])
    ordered = sorted(counts, key=lambda one: (-one[1], one[0]))
    return [ErrorCount(code, calls) for code, calls in ordered[:ERRORS_MAX]]


_NOTHING: Final = [0] * len(SUMS)
_COST: Final = SUMS.index("cost_nanousd")


def _cost(sums: Mapping[str, Sequence[int]], name: str) -> int:
    return sums.get(name, _NOTHING)[_COST]


def _add(sums: list[int], more: Iterable[int | None]) -> None:
    for place, amount in enumerate(more):
        sums[place] += amount or 0


def _total(several: Iterable[Iterable[int]]) -> list[int]:
    sums = [0] * len(SUMS)
    for one in several:
        _add(sums, one)
    return sums


def _merged(packed: Iterable[tuple[bytes, bytes]]) -> _Histograms:
    latency: histogram.Histogram = {}
    first: histogram.Histogram = {}
    for one, other in packed:
        histogram.read_into(latency, one)
        histogram.read_into(first, other)
    return _Histograms(latency, first)


def _added(several: Iterable[_Histograms]) -> _Histograms:
    latency: Counter[int] = Counter()
    first: Counter[int] = Counter()
    for one in several:
        latency.update(one.latency)
        first.update(one.first_token)
    return _Histograms(latency, first)


def _figures(sums: Iterable[int], histograms: _Histograms) -> Figures:
    latency, first = histograms
    p50, p95, p99 = histogram.quantiles(latency, _LATENCY)
    first_p50, first_p95 = histogram.quantiles(first, _FIRST)
    return Figures(
        **dict(zip(SUMS, sums, strict=True)),
        latency_p50_us=p50,
        latency_p95_us=p95,
        latency_p99_us=p99,
        first_token_p50_us=first_p50,
        first_token_p95_us=first_p95,
    )


def _left(points: Mapping[int, Figures], lines: Iterable[list[GroupPoint]]) -> list[GroupPoint]:
    """What the points of all calls hold besides those of the groups."""
    left = {
        at * 1000: [one.calls, one.failed, one.cost_nanousd, one.input_tokens + one.output_tokens]
        for at, one in sorted(points.items())
    }
    for line in lines:
        for point in line:
            for place, amount in enumerate((point.calls, point.failed, point.cost_nanousd, point.tokens)):
                left[point.at_ms][place] -= amount
    return [GroupPoint(at_ms, *sums) for at_ms, sums in left.items() if any(sums)]


def _write(
    span: Span,
    whole: Mapping[str, Figures],
    points: Mapping[int, Figures],
    errors: list[ErrorCount],
    *,
    groups: Sequence[Group] = (),
) -> Overview:
    nothing = Figures()
    steps = [
        Point(at_ms=at * 1000, **msgspec.structs.asdict(points.get(at, nothing)))
        for at in range(span.since, span.until, span.step)
    ]
    return Overview(
        Times(span.since * 1000, span.until * 1000, span.step),
        whole.get("totals", nothing),
        whole.get("before", nothing),
        steps,
        list(groups),
        errors,
    )
