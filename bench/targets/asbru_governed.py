"""Asbru with governance on: a budget and rate limits at each of three levels, and the management API running."""

from bench.targets.asbru import Asbru, config, virtual_keys

TEAM_COUNT = 10
_BUDGET = {"amount_usd": 1e6, "window": "1M"}
# Wide enough never to be reached: what is measured is the counting.
_RATES = [{"metric": metric, "amount": 10**12, "window": "1m"} for metric in ("requests", "tokens")]
_LIMITS = {"budgets": [_BUDGET], "rate_limits": _RATES}


class AsbruGoverned(Asbru):
    """The same binary and load; only the measures that governance has bars for."""

    name = "asbru_governed"
    measures = ("saturated", "5k")

    def document(self) -> dict[str, object]:
        """customer -> 10 teams -> 100 keys, each with a budget and two rate limits."""
        keys = [
            {"name": f"bench-{i}", "value": key, "models": ["*"], "team": f"team-{i % TEAM_COUNT}", **_LIMITS}
            for i, key in enumerate(virtual_keys())
        ]
        return config(self.rig) | {
            "customers": [{"name": "bench", **_LIMITS}],
            "teams": [{"name": f"team-{i}", "customer": "bench", **_LIMITS} for i in range(TEAM_COUNT)],
            "virtual_keys": keys,
            "control": {"enabled": True},
            "prices": {"bench*/*": {"input": 0.15, "output": 0.6}},
        }
