"""Bindings of sessions: how long they last, and how many there are."""

from __future__ import annotations

from asbru.routing.affinity import AffinitySettings, Binding, SessionName, Sessions, chance_of

NAME = SessionName("tester", "s1", "gpt")
HERE, THERE = Binding("openai", "gpt", "a"), Binding("groq", "gpt", "b")


def test_a_session_is_bound_for_its_time() -> None:
    """From the last success on; a success elsewhere moves it."""
    sessions = Sessions()
    sessions.bind(NAME, HERE, 0.0)
    assert sessions.find(NAME, 3599.0) == HERE
    sessions.bind(NAME, THERE, 3599.0)
    assert sessions.find(NAME, 7198.0) == THERE
    assert sessions.find(NAME, 7199.0) is None
    assert len(sessions) == 0


def test_sessions_are_told_apart() -> None:
    """By the caller, the session and the model."""
    sessions = Sessions()
    sessions.bind(NAME, HERE, 0.0)
    for other in (NAME._replace(caller="x"), NAME._replace(session="x"), NAME._replace(model="x")):
        assert sessions.find(other, 0.0) is None


def test_sessions_are_bounded() -> None:
    """The ones that were bound longest ago are forgotten first."""
    sessions = Sessions()
    sessions.settings = AffinitySettings(sessions_max=3)
    names = [NAME._replace(session=str(number)) for number in range(4)]
    for name in (*names[:3], names[0], names[3]):
        sessions.bind(name, HERE, 0.0)
    assert [sessions.find(name, 0.0) is not None for name in names] == [True, False, True, True]


def test_the_draw_of_a_session_is_fixed_and_even() -> None:
    """The same in every process, whatever the model; over many sessions evenly spread."""
    assert chance_of(NAME) == chance_of(NAME._replace(model="other"))
    assert chance_of(SessionName("a", "b", "c")) == 0.3254156276846629
    draws = sorted(chance_of(NAME._replace(session=str(number))) for number in range(1000))
    assert all(abs(draw - place / 1000) < 0.06 for place, draw in enumerate(draws))
