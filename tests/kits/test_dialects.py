"""One suite over every dialect's folder: what each must hold, so that a new folder is tested without a line here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kits import hostile, matrix
from tests.kits.dialects import KINDS, Case, Subject, discover
from tests.kits.own_checks import CHECKS, Check

FOUND = discover()
SUBJECTS = [pytest.param(subject, id=name) for name, subject in FOUND.items()]
OWN = [
    pytest.param(subject, case, check, id=f"{name}-{case.name}-{check.__name__}")
    for name, subject in FOUND.items()
    for kind in KINDS
    for case in subject.cases(kind)
    for check in CHECKS[kind]
]


@pytest.mark.parametrize(("subject", "case", "check"), OWN)
def test_a_case_holds_in_its_own_dialect(subject: Subject, case: Case, check: Check) -> None:
    """Every golden case holds in every check of its kind (see own_checks)."""
    check(subject, case)


TARGETS = [*FOUND.values()]
PAIRS = [
    pytest.param(source, case, target, check, id=f"{case.name}-{source.name}-{target.name}")
    for source in FOUND.values()
    for target in FOUND.values()
    if target is not source
    for kind, check in matrix.CHECKS.items()
    for case in source.cases(kind)
]


@pytest.mark.parametrize(("source", "case", "target", "check"), PAIRS)
def test_a_case_reaches_another_dialect(source: Subject, case: Case, target: Subject, check: matrix.Check) -> None:
    """Every golden case, written in every other dialect, says the same there or notes say what it lost."""
    check(source, case, target)


@pytest.mark.parametrize("subject", SUBJECTS)
@given(data=st.data())
def test_any_request_is_read_or_refused(subject: Subject, data: st.DataObject) -> None:
    """Whatever a caller sends is a request or a refusal in words, and a request can be written everywhere."""
    body = data.draw(hostile.wounded(subject, "request") | hostile.damaged(subject, "request"))
    hostile.request_fares(subject, body, TARGETS)


@pytest.mark.parametrize("subject", SUBJECTS)
@given(data=st.data())
def test_any_answer_is_read_or_is_the_providers_fault(subject: Subject, data: st.DataObject) -> None:
    """Whatever a provider answers is a reply or its fault, and a reply can be told everywhere."""
    body = data.draw(hostile.wounded(subject, "reply") | hostile.damaged(subject, "reply"))
    hostile.reply_fares(subject, body, TARGETS)


@pytest.mark.parametrize("subject", SUBJECTS)
@given(data=st.data())
def test_any_stream_is_events(subject: Subject, data: st.DataObject) -> None:
    """Whatever a provider streams is events and at most one fault, and can be told everywhere."""
    stream = data.draw(hostile.wounded(subject, "stream") | hostile.damaged(subject, "stream"))
    hostile.stream_fares(subject, stream, data.draw(st.integers(0, len(stream))), TARGETS)
