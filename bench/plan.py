"""What is measured, how long and how often: the full plan and the quick one. Data and a little arithmetic."""

from dataclasses import dataclass, replace

from bench.payloads import Shape

STREAM_EVENTS, STREAM_GAP_MS = 50, 20
HELD_STREAMS, HELD_EVENTS, HELD_GAP_MS = 512, 20, 250
# A target takes part in a paced measure only when it can carry this much more than the rate.
RATE_HEADROOM = 1.3

_LATE = "-lat20"
_LONG = f"-ev{STREAM_EVENTS}x{STREAM_GAP_MS}"
_SHORT = "-ev4x0"
_HELD = f"-ev{HELD_EVENTS}x{HELD_GAP_MS}"
MODEL_ORDERS = ("", _LATE, _LONG, _SHORT, _HELD)

_WINDOW_OVERHEAD_S = 0.25
_PLAIN = Shape()
_SHORT_STREAM = {"kind": "stream", "shape": Shape(_SHORT, stream=True), "events": 6}
_LONG_STREAM = {"kind": "stream", "shape": Shape(_LONG, stream=True), "events": STREAM_EVENTS + 2}
_HELD_STREAM = {"kind": "stream", "shape": Shape(_HELD, stream=True), "events": HELD_EVENTS + 2}


@dataclass(frozen=True)
class Measure:
    """One load, repeated in rounds. `connections` 0: as many as the target's profile says.

    `variants` above 1: so many different heads for each key, a new trace id in each, as traced callers send.
    `streams_per_connection` > 0 ends a window by count instead of time. `slow_rounds` 0: fast targets only.
    `only` names the one target that takes part.
    """

    name: str
    seconds: float
    rounds: int
    kind: str = "plain"
    shape: Shape = _PLAIN
    connections: int = 0
    rate: int = 0
    events: int = 0
    gap_ms: int = 0
    stagger_ms: int = 0
    warm: int = 2
    streams_per_connection: int = 0
    variants: int = 1
    timeout_s: float = 20.0
    slow_rounds: int = 0
    slow_seconds: float = 0.0
    only: str = ""

    def for_slow(self) -> "Measure":
        """The same for targets that are slow: fewer rounds, longer windows."""
        return replace(self, rounds=self.slow_rounds, seconds=self.slow_seconds or self.seconds)

    def expected_s(self) -> float:
        """Seconds one window takes, about."""
        if self.streams_per_connection:
            each = self.shape.orders.removeprefix("-ev").split("x")
            return self.streams_per_connection * int(each[0]) * int(each[1]) / 1000 + _WINDOW_OVERHEAD_S
        return self.seconds + _WINDOW_OVERHEAD_S


def measures(*, quick: bool) -> list[Measure]:
    """The plan, in order. `saturated` comes first: it decides who can carry the paced rates."""
    many, some, few = (8, 4, 3) if quick else (12, 8, 5)
    paced_s, window_s = (0.8, 0.8) if quick else (2.0, 1.0)
    one = {"connections": 1, "warm": 20}
    plan = [
        # A slow second of the machine slows who touches more memory more: the median needs many rounds.
        Measure("saturated", window_s, many if quick else 20, slow_rounds=4, slow_seconds=3),
        Measure("5k", paced_s, many, connections=16, rate=5000),
        Measure("1k", paced_s, many, connections=16, rate=1000),
        Measure("c1", window_s / 2, some, slow_rounds=4, slow_seconds=2, **one),
        Measure("ttft_c1", window_s / 2, some, slow_rounds=4, slow_seconds=2, **one, **_SHORT_STREAM),
        Measure("ttft_1k", paced_s, some, connections=16, rate=1000, **_SHORT_STREAM),
        Measure("ttft_5k", paced_s, some, connections=16, rate=5000, **_SHORT_STREAM),
        Measure("tls", window_s, some, kind="tls"),
        Measure("new_heads", window_s, few, variants=50),
        Measure("translated", window_s, few, kind="translated", slow_rounds=3, slow_seconds=3),
        Measure("at_20ms", window_s, few, shape=Shape(_LATE), connections=-1, slow_rounds=3, slow_seconds=3),
        Measure("image", window_s, few, kind="large", shape=Shape(large="image"), connections=2, slow_rounds=2),
        Measure("embeddings", window_s, few, kind="embeddings", shape=Shape(large="embeddings"), connections=16),
        Measure("upload", window_s, few, kind="upload", shape=Shape(large="upload"), connections=2),
        Measure("prompt", window_s, few, kind="large", shape=Shape(large="prompt"), connections=4, slow_rounds=2),
    ]
    streaming = {"gap_ms": STREAM_GAP_MS, "stagger_ms": 100, "warm": 0}
    waves = 1 if quick else 2
    plan.append(Measure("chunk", 30, some, streams_per_connection=waves, slow_rounds=3, **streaming, **_LONG_STREAM))
    holding = {
        "connections": HELD_STREAMS,
        "streams_per_connection": 1,
        "gap_ms": HELD_GAP_MS,
        "timeout_s": 60.0,
    }
    plan.append(
        Measure("held", 30, 1 if quick else 2, stagger_ms=500, warm=0, slow_rounds=1, **holding, **_HELD_STREAM)
    )
    plan.append(Measure("hold_5k", 5 if quick else 30, 1, connections=64, rate=5000, only="asbru"))
    return plan
