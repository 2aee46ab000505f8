"""Tasks that make new records on another server."""

from __future__ import annotations

from bench.code_mode.tables import Record, World
from bench.code_mode.task import Place, Task, pages_of, said


def create_for_each(place: Place) -> Task:
    """A new record on another server for each that fits."""
    c, to = place.first, place.other
    one, two = c.of("choice")[:2]
    first, second = place.value(0, 2), place.value(1)
    choices = {field.name: field.choices[0] for field in to.of("choice")}
    fit = place.where(**{one.name: first, two.name: second})
    fixed = ", ".join(f'{name}="{value}"' for name, value in choices.items())
    script = (
        "import asyncio\n" + pages_of(c, f'{one.name}="{first}", {two.name}="{second}"') + "await asyncio.gather(*[\n"
        f'    {to.server}.create_{to.one}({to.title}="Follow up: " + row["{c.title}"], {fixed}, '
        f'{to.person}=row["{c.person}"])\n'
        "    for row in rows\n"
        "])\n"
        "result = len(rows)\n"
    )

    def after(world: World) -> None:
        empty = {field.name: 0 if field.kind in ("int", "money") else "" for field in to.fields}
        for at, row in enumerate(fit):
            key = f"new-{at}"
            given = {to.title: f"Follow up: {row[c.title]}", **choices, to.person: row[c.person]}
            record: Record = {"id": key} | empty | given | {"notes": [], "archived": False}
            world[to.server][to.many][key] = record

    values = ", ".join(f"{said(name)} {value}" for name, value in choices.items())
    prompt = (
        f"For each of the {said(c.many)} in {c.server} with {said(one.name)} {first} and {said(two.name)} "
        f'{second}, create one of the {said(to.many)} in {to.server} that is called "Follow up: " and then the '
        f"{said(c.title)}, for the same person, with {values}. How many did you create?"
    )
    return Task("create_for_each", prompt, (script,), len(fit), after)


def report(place: Place) -> Task:
    """Counts become the text of a new record on another server."""
    c, to = place.first, place.other
    field, long = c.of("choice")[0], to.of("long")[0].name
    choices = {one.name: one.choices[-1] for one in to.of("choice")}
    title, person = f"Report on {said(c.many)}", place.rows[place.turn % len(place.rows)][c.person]
    fixed = ", ".join(f'{name}="{value}"' for name, value in choices.items())
    script = pages_of(c) + (
        "counts = {}\n"
        "for row in rows:\n"
        f'    counts[row["{field.name}"]] = counts.get(row["{field.name}"], 0) + 1\n'
        'text = ", ".join(f"{name}: {counts[name]}" for name in sorted(counts))\n'
        f'await {to.server}.create_{to.one}({to.title}="{title}", {fixed}, {to.person}="{person}", {long}=text)\n'
        "result = text\n"
    )
    counts: dict[str, int] = {}
    for row in place.rows:
        counts[row[field.name]] = counts.get(row[field.name], 0) + 1
    text = ", ".join(f"{name}: {counts[name]}" for name in sorted(counts))

    def after(world: World) -> None:
        empty = {one.name: 0 if one.kind in ("int", "money") else "" for one in to.fields}
        given = {to.title: title, **choices, to.person: person, long: text}
        world[to.server][to.many]["new"] = {"id": "new"} | empty | given | {"notes": [], "archived": False}

    values = ", ".join(f"{said(name)} {value}" for name, value in choices.items())
    prompt = (
        f"Count the {said(c.many)} in {c.server} by {said(field.name)}. Create one of the {said(to.many)} in "
        f'{to.server}, "{title}", for {person}, with {values}, and the counts as {said(long)}: "NAME: COUNT" for '
        "each value in alphabetical order, with commas between them."
    )
    return Task("report", prompt, (script,), text, after)
