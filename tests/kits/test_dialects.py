"""One suite over every dialect's folder: what each must hold, so that a new folder is tested without a line here."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kits import hostile, matrix
from tests.kits.dialects import KINDS, Case, Subject, discover
from tests.kits.own_checks import (
    CHECKS,
    ERRORS,
    Check,
    errors_go_both_ways,
    own_error_is_passed_on,
    stream_says_what_the_whole_answer_says,
    twins,
)

from asbru.core.errors import AsbruError

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


TWINS = [
    pytest.param(subject, case, id=f"{name}-{case.name}")
    for name, subject in FOUND.items()
    for case in twins(subject)
]


@pytest.mark.parametrize(("subject", "case"), TWINS)
def test_a_stream_says_what_the_whole_answer_says(subject: Subject, case: Case) -> None:
    """A stream put together is the whole answer of the same content."""
    stream_says_what_the_whole_answer_says(subject, case)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_every_dialect_has_a_stream_with_its_twin(subject: Subject) -> None:
    """There is a stream and a whole answer that say the same, with tool calls in them."""
    replies = {case.data["same_as"] for case in twins(subject)}
    parts = [
        part["type"]
        for case in subject.cases("reply")
        if case.name in replies
        for choice in case.data["canonical"]["choices"]
        for part in choice["parts"]
    ]
    assert {"text", "tool_call"} <= {*parts}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("subject", SUBJECTS)
def test_errors_go_both_ways(subject: Subject, error: AsbruError) -> None:
    """An error of ours is read with its words where it was written: in an answer, in a 200 and in a stream."""
    errors_go_both_ways(subject, error)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_providers_own_error_is_passed_on(subject: Subject) -> None:
    """What a provider of a dialect said goes to callers of the dialect as it came."""
    own_error_is_passed_on(subject)


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
