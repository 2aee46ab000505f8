"""The mock without a gateway: what every added figure is measured against."""

from bench.targets.contract import EMBEDDINGS, TRANSCRIPTIONS, Route, Running, Target


class Direct(Target):
    """No process of its own; the CPU of the mock is nobody's figure."""

    name = "direct"

    def install(self) -> None:
        """Nothing to bring: the mock is built with the harness."""

    def start(self) -> Running:
        """Already running: the rig started it."""
        routes = {kind: Route() for kind in ("plain", "stream", "large")}
        routes |= {"embeddings": Route(EMBEDDINGS), "upload": Route(TRANSCRIPTIONS)}
        return self.wait_healthy(Running(self.name, self.rig.mock_port, (), routes, "mock"), deadline_s=5)
