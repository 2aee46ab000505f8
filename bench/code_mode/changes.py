"""Tasks that change records of one server."""

from __future__ import annotations

from bench.code_mode.tables import THINGS, World
from bench.code_mode.task import Place, Task, pages_of, record_of, said


def set_where(place: Place) -> Task:
    """Change a choice on all records that fit."""
    c = place.first
    field, amount = c.of("choice")[0].name, c.amount
    old, new, least = place.value(0), place.value(0, 1), amount.low + (amount.high - amount.low) // 2
    fit = [one["id"] for one in place.where(**{field: old}) if one[amount.name] >= least]
    script = (
        "import asyncio\n"
        + pages_of(c, f'{field}="{old}", min_{amount.name}={least}')
        + f'await asyncio.gather(*[{c.server}.update_{c.one}(id=one["id"], {field}="{new}") for one in rows])\n'
        "result = len(rows)\n"
    )

    def after(world: World) -> None:
        for key in fit:
            record_of(world, c, key)[field] = new

    prompt = (
        f"In {c.server}, set {said(field)} to {new} on all {said(c.many)} where it is {old} and "
        f"{said(amount.name)} is at least {least}. How many were changed?"
    )
    return Task("set_where", prompt, (script,), len(fit), after)


def note_found(place: Place) -> Task:
    """Add a note to all records that mention a word."""
    c, word = place.parent, THINGS[place.turn % len(THINGS)]
    text = f"Part of the {word} clean-up in November."
    rows = place.world[c.server][c.many].values()
    fit = sorted(str(one["id"]) for one in rows if word in one[c.title].lower().split())
    script = (
        "import asyncio\n"
        f'found = (await {c.server}.search_{c.many}(query="{word}", limit=50))["items"]\n'
        f'await asyncio.gather(*[{c.server}.add_{c.one}_note(id=one["id"], text="{text}") for one in found])\n'
        'result = [one["id"] for one in found]\n'
    )

    def after(world: World) -> None:
        for key in fit:
            record_of(world, c, key)["notes"].append(text)

    prompt = f'Add the note "{text}" to all {said(c.many)} in {c.server} with "{word}" in the {said(c.title)}.'
    return Task("note_found", prompt, (script,), fit, after)


def follow_reference(place: Place) -> Task:
    """From a record to the one that it belongs to, which gets the same person in charge."""
    c, parent = place.siblings[1 + place.turn % 2], place.parent
    rows = sorted(place.world[c.server][c.many].values(), key=lambda one: str(one["id"]))
    row, ref = rows[(11 * place.turn + 5) % len(rows)], c.of("ref")[0].name
    script = (
        f'found = (await {c.server}.search_{c.many}(query="{row[c.title]}", limit=5))["items"][0]\n'
        f'parent = await {parent.server}.get_{parent.one}(id=found["{ref}"])\n'
        f'await {parent.server}.update_{parent.one}(id=parent["id"], {parent.person}=found["{c.person}"])\n'
        f'result = {{"id": parent["id"], "before": parent["{parent.person}"]}}\n'
    )
    old = record_of(place.world, parent, row[ref])[parent.person]

    def after(world: World) -> None:
        record_of(world, parent, row[ref])[parent.person] = row[c.person]

    prompt = (
        f'The {said(c.one)} "{row[c.title]}" in {c.server} belongs to a {said(parent.one)}. Give that '
        f"{said(parent.one)} to the {said(c.person)} of the {said(c.one)}. Which one was it, and who had it "
        "before?"
    )
    return Task("follow_reference", prompt, (script,), {"id": row[ref], "before": old}, after)


def hand_over(place: Place) -> Task:
    """Everything that one person is in charge of on a server goes to another."""
    all_of = place.siblings
    people = sorted({str(row[place.first.person]) for row in place.rows})
    old, new = people[place.turn % len(people)], people[(place.turn + 3) % len(people)]
    names = [one.many for one in all_of]
    script = "import asyncio\n" + f"{', '.join(f'{name}_page' for name in names)} = await asyncio.gather(\n"
    script += (
        "".join(f'    {one.server}.list_{one.many}({one.person}="{old}", limit=50),\n' for one in all_of) + ")\n"
    )
    script += "await asyncio.gather(\n"
    script += "".join(
        f'    *[{one.server}.update_{one.one}(id=row["id"], {one.person}="{new}") '
        f'for row in {one.many}_page["items"]],\n'
        for one in all_of
    )
    totals = ", ".join(f'"{name}": {name}_page["total"]' for name in names)
    script += f")\nresult = {{{totals}}}\n"
    moved = {
        one.many: [key for key, row in place.world[one.server][one.many].items() if row[one.person] == old]
        for one in all_of
    }

    def after(world: World) -> None:
        for one in all_of:
            for key in moved[one.many]:
                record_of(world, one, key)[one.person] = new

    named = ", ".join(f"{said(one.many)} ({said(one.person)})" for one in all_of)
    prompt = (
        f"{old} is leaving. Give everything that this person has in {place.first.server} to {new}: {named}. "
        "How many of each?"
    )
    return Task("hand_over", prompt, (script,), {name: len(keys) for name, keys in moved.items()}, after)


def judge_titles(place: Place) -> Task:
    """The model reads titles and decides; no filter of a tool could."""
    c = place.first
    field, kind, new = c.of("choice")[0].name, c.of("choice")[1], place.value(1, 1)
    value = place.value(0, 1)
    about = ("login", "backup", "export", "sensor", "dashboard")
    listing = pages_of(c, f'{field}="{value}"') + f'result = [[row["id"], row["{c.title}"]] for row in rows]\n'
    acting = (
        "import asyncio\n"
        f'await asyncio.gather(*[{c.server}.update_{c.one}(id=one, {kind.name}="{new}") for one in chosen])\n'
        "result = chosen\n"
    )

    def judge(rows: list[list[str]]) -> list[str]:
        return [key for key, title in rows if any(word in title.split() for word in about)]

    fit = judge([[str(row["id"]), str(row[c.title])] for row in place.where(**{field: value})])

    def after(world: World) -> None:
        for key in fit:
            record_of(world, c, key)[kind.name] = new

    prompt = (
        f"Read the {said(c.title)} of all {said(c.many)} in {c.server} with {said(field)} {value}. Set "
        f"{said(kind.name)} to {new} where it is about information technology."
    )
    return Task("judge_titles", prompt, (listing, acting), fit, after, judge)


def raise_amounts(place: Place) -> Task:
    """A number grows by a tenth on all records that fit."""
    c = place.first
    kind, amount, value = c.of("choice")[1], c.amount, place.value(1)
    # Money in cents: the interpreter of scripts rounds ties to decimals in another way than CPython.
    is_money = amount.kind == "money"
    rounded = "round(row[name] * 110) / 100" if is_money else "round(row[name] * 1.1)"
    script = (
        "import asyncio\n"
        + pages_of(c, f'{kind.name}="{value}"')
        + f'name = "{amount.name}"\n'
        + "await asyncio.gather(*[\n"
        + f'    {c.server}.update_{c.one}(id=row["id"], {amount.name}={rounded}) for row in rows\n'
        + "])\n"
        + "result = len(rows)\n"
    )
    fit = place.where(**{kind.name: value})

    def after(world: World) -> None:
        for row in fit:
            old = row[amount.name]
            record_of(world, c, row["id"])[amount.name] = round(old * 110) / 100 if is_money else round(old * 1.1)

    prompt = (
        f"Raise {said(amount.name)} by ten percent on all {said(c.many)} in {c.server} with {said(kind.name)} "
        f"{value}, rounded to {'cents' if is_money else 'whole numbers'}. How many are there?"
    )
    return Task("raise_amounts", prompt, (script,), len(fit), after)


def largest_three(place: Place) -> Task:
    """The first of a sorted list: how to sort is said in the documentation only."""
    c = place.first
    kind, new = c.of("choice")[1], place.value(1)
    script = (
        "import asyncio\n"
        f'top = (await {c.server}.list_{c.many}(order_by="-{c.amount.name}", limit=3))["items"]\n'
        f'await asyncio.gather(*[{c.server}.update_{c.one}(id=row["id"], {kind.name}="{new}") for row in top])\n'
        f'result = [row["{c.title}"] for row in top]\n'
    )
    top = sorted(place.rows, key=lambda row: -row[c.amount.name])[:3]

    def after(world: World) -> None:
        for row in top:
            record_of(world, c, row["id"])[kind.name] = new

    prompt = (
        f"Set {said(kind.name)} to {new} on the three {said(c.many)} in {c.server} with the largest "
        f"{said(c.amount.name)}, and tell me what they are called."
    )
    documented = (c.server, f"list_{c.many}", "A leading '-' sorts from the largest")
    return Task("largest_three", prompt, (script,), [row[c.title] for row in top], after, None, documented)
