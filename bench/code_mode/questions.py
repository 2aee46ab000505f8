"""Tasks that ask something, and change nothing."""

from __future__ import annotations

from bench.code_mode.task import Place, Task, pages_of, said


def count_where(place: Place) -> Task:
    """Count records that fit two conditions."""
    c = place.first
    one, two = c.of("choice")[:2]
    first, second = place.value(0), place.value(1, 1)
    script = pages_of(c, f'{one.name}="{first}"') + (
        f'result = len([row for row in rows if row["{two.name}"] != "{second}"])\n'
    )
    count = sum(1 for row in place.where(**{one.name: first}) if row[two.name] != second)
    prompt = (
        f"How many {said(c.many)} in {c.server} have {said(one.name)} {first} and {said(two.name)} other than "
        f"{second}?"
    )
    return Task("count_where", prompt, (script,), count)


def top_person(place: Place) -> Task:
    """Who has the largest sum, over all records."""
    c = place.first
    script = pages_of(c) + (
        "sums = {}\n"
        "for row in rows:\n"
        f'    sums[row["{c.person}"]] = sums.get(row["{c.person}"], 0) + row["{c.amount.name}"]\n'
        "top = sorted(sums, key=lambda person: (-sums[person], person))[0]\n"
        'result = {"person": top, "sum": round(sums[top], 2)}\n'
    )
    sums: dict[str, float] = {}
    for row in place.rows:
        sums[row[c.person]] = sums.get(row[c.person], 0) + row[c.amount.name]
    top = min(sums, key=lambda person: (-sums[person], person))
    prompt = (
        f"Which {said(c.person)} has the largest total of {said(c.amount.name)} over all {said(c.many)} in "
        f"{c.server}, and how much is it?"
    )
    return Task("top_person", prompt, (script,), {"person": top, "sum": round(sums[top], 2)})


def find_and_read(place: Place) -> Task:
    """Find one record by its title, and read what lists leave out."""
    c = place.parent
    rows = sorted(place.world[c.server][c.many].values(), key=lambda one: str(one["id"]))
    row, long = rows[(7 * place.turn + 3) % len(rows)], c.of("long")[0].name
    script = (
        f'found = (await {c.server}.search_{c.many}(query="{row[c.title]}", limit=5))["items"]\n'
        f'record = await {c.server}.get_{c.one}(id=found[0]["id"])\n'
        f'result = {{"person": record["{c.person}"], "first_sentence": record["{long}"].split(". ")[0]}}\n'
    )
    answer = {"person": row[c.person], "first_sentence": str(row[long]).split(". ")[0]}
    prompt = (
        f'Look up "{row[c.title]}" among the {said(c.many)} in {c.server}. Who is the {said(c.person)}, and what '
        f"is the first sentence of the {said(long)}?"
    )
    return Task("find_and_read", prompt, (script,), answer)


def compare_servers(place: Place) -> Task:
    """Who occurs on one server and not on another."""
    c, other = place.first, place.other
    field, value = c.of("choice")[0].name, place.value(0)
    kind = other.of("choice")[0]
    script = (
        "import asyncio\n"
        "here, there = await asyncio.gather(\n"
        f'    {c.server}.list_{c.many}({field}="{value}", limit=50),\n'
        f'    {other.server}.list_{other.many}({kind.name}="{kind.choices[0]}", limit=50),\n'
        ")\n"
        f'busy = {{row["{other.person}"] for row in there["items"]}}\n'
        f'result = sorted({{row["{c.person}"] for row in here["items"]}} - busy)\n'
    )
    there = place.world[other.server][other.many].values()
    busy = {row[other.person] for row in there if row[kind.name] == kind.choices[0]}
    answer = sorted({str(row[c.person]) for row in place.where(**{field: value})} - busy)
    prompt = (
        f"Which people have {said(c.many)} in {c.server} with {said(field)} {value}, but no {said(other.many)} "
        f"in {other.server} with {said(kind.name)} {kind.choices[0]}?"
    )
    return Task("compare_servers", prompt, (script,), answer)
