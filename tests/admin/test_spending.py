"""What calls cost, over the API."""

from __future__ import annotations

from tests.fakes.management import Managed


def test_spend_is_summed(api: Managed) -> None:
    """In all and by dimensions, of a span of days, with filters; what makes no sense is refused."""
    key = (1, "k1", "blue", "acme", "openai", "gpt", '{"env":"prod"}')
    more = (2, "k2", "blue", "acme", "openai", "gpt", "")
    for one, sums in ((key, (2, 0, 0, 10, 5, 700)), (more, (1, 1, 0, 1, 1, 300))):
        api.database.run(f"INSERT INTO spend VALUES ({','.join('?' * 13)})", (*one, *sums))
    (whole,) = api.ask("GET", "spend")["items"]
    assert (whole["calls"], whole["failed"], whole["cost_nanousd"]) == (3, 1, 1000)
    by_day = api.ask("GET", "spend", query="by=day,caller")["items"]
    assert [(one["day"], one["caller"], one["cost_nanousd"]) for one in by_day] == [
        ("1970-01-02", "k1", 700),
        ("1970-01-03", "k2", 300),
    ]
    assert api.ask("GET", "spend", query="since=1970-01-03&team=blue")["items"][0]["calls"] == 1
    assert api.ask("GET", "spend", query="by=tag&tag_name=env")["items"][0]["tag"] == "prod"
    assert api.ask("GET", "spend", query="team=red") == {"items": [], "more": False}
    for wrong in ("by=nonsense", "since=yesterday", "day=1970-01-02", f"by={'x' * 600}"):
        assert api.call("GET", "spend", query=wrong).status == 422, wrong
