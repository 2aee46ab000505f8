"""Fills in what golden cases lack: `canonical`, and `written` where the dialect writes it otherwise than it came.

    python -m tests.kits.fill_cases <dialect>

What stands there already is never touched. Read what was filled in before it is committed: it is what the code does,
and a case is what it should do.
"""

from __future__ import annotations

import json
import sys

from tests.kits.dialects import KINDS, Case, Subject, discover, present, read


def fill(subject: Subject, case: Case) -> dict[str, object]:
    """The whole case."""
    filled = {"about": case.data["about"], "kind": case.kind, **case.data}
    filled.setdefault("canonical", read(subject, case))
    if case.kind in ("request", "reply") and "written" not in filled:
        if case.kind == "request":
            body = subject.write_request(subject.read_request(case.wire)).body
        else:
            body = subject.write_reply(subject.read_reply(case.wire)).body
        if present(json.loads(body)) != present(filled["wire"]):
            filled["written"] = present(json.loads(body))
    return filled


def main(names: list[str]) -> None:
    """Fills in the cases of the dialects called `names`."""
    for name in names:
        subject = discover()[name]
        for kind in KINDS:
            for case in subject.cases(kind):
                text = json.dumps(fill(subject, case), indent=1, ensure_ascii=False)
                (subject.folder / f"{case.name}.json").write_text(text + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
