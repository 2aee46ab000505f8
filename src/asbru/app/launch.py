"""How each child of the supervisor is started: its command, its sockets, what it is given of the environment.

Also where the files lie that the supervisor shares with the control process. Keeps nothing of a child once it runs.
Imports little: the supervisor loads this.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asbru.app.boot import Boot, Options
from asbru.app.children import CONTROL_VARIABLES, TOOLS_VARIABLES, Child, Commands
from asbru.app.orphans import adopt

BOOKKEEPER = "bookkeeper"
CONTROL = "control"
TOOLS = "tools"
BOOKKEEPER_EXTRA_S = 30.0


class Launch:
    """See the module. `options`, `boot`, `snapshot` and `bound` (host and port): by which the next one is started."""

    boot: Boot
    snapshot: Path
    bound: tuple[str, int]

    def __init__(self, commands: Commands, options: Options, run_dir: Path) -> None:
        self.commands = commands
        self.control_socket = run_dir / "control.sock"
        self.check_socket = run_dir / "check.sock"
        self.shown = run_dir / "shown.json"
        """What the configuration that is served by declares."""
        self.catalogue = run_dir / "catalogue.msgpack"
        """The models of the providers that are served."""
        self.processes = run_dir / "processes.json"
        self._book_socket = run_dir / "book.sock"
        self._run_dir = run_dir
        self.options = options._replace(
            mock_socket=str(self._served_socket("mock")), control_socket=str(self.control_socket)
        )

    def check_command(self) -> Sequence[str]:
        """A compile process that checks only."""
        return [*self.commands.compile, *self.options.argv(), "--check"]

    def bookkeeper(self) -> Child:
        """Raises OSError, as all of these."""
        # Workers that the supervisor leaves behind need it for as long as their calls may last.
        drain_s = self.boot.drain_grace_s + BOOKKEEPER_EXTRA_S
        command = [*self.commands.bookkeeper, "--drain-s", f"{drain_s:g}"]
        return self._helper(BOOKKEEPER, command, self._book_socket, self.commands.helper_variables)

    def control(self) -> Child:
        """The control process."""
        command = [*self.commands.control, "--bookkeeper", str(self._book_socket)]
        command += ["--shown", str(self.shown), "--catalogue", str(self.catalogue)]
        command += ["--processes", str(self.processes), "--tls", str(self.boot.tls_cert is not None)]
        command += ["--check", str(self.check_socket)]
        variables = (*self.commands.helper_variables, *CONTROL_VARIABLES)
        return self._helper(CONTROL, command, self.control_socket, variables)

    def served(self, name: str) -> Child:
        """The server of a provider that is served here."""
        path = self._served_socket(name)
        path.unlink(missing_ok=True)
        argv = [*self.commands.served[name], "--socket", str(path)]
        variables = self.commands.helper_variables
        return Child(name, argv, wants_control=False, socket_path=path, variables=variables)

    def tools(self) -> Child:
        """The tools process, which follows the newest snapshot as workers do; what it leaves behind comes to us."""
        adopt()
        argv = [*self.commands.tools, "--data-dir", str(self.options.data_dir), "--snapshot", str(self.snapshot)]
        argv += ["--bookkeeper", str(self._book_socket), "--url", self.url, "--workers", str(self.boot.workers)]
        variables = (*self.commands.helper_variables, *TOOLS_VARIABLES)
        child = Child(TOOLS, argv, wants_control=True, variables=variables)
        child.snapshot = str(self.snapshot)
        return child

    @property
    def url(self) -> str:
        """Where this gateway listens, as this machine reaches it."""
        host, port = self.bound
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- compared, not bound
        written = f"[{host}]" if ":" in host else host
        return f"{'https' if self.boot.tls_cert else 'http'}://{written}:{port}"

    def worker(self, index: int) -> Child:
        """A worker, which serves by the newest snapshot."""
        host, port = self.bound
        argv = [*self.commands.worker, "--snapshot", str(self.snapshot)]
        argv += ["--bookkeeper", str(self._book_socket), "--index", str(index)]
        argv += ["--host", host, "--port", str(port)]
        if self.boot.tls_cert and self.boot.tls_key:
            argv += ["--tls-cert", self.boot.tls_cert, "--tls-key", self.boot.tls_key]
        child = Child(f"worker-{index}", argv, wants_control=True)
        child.snapshot = str(self.snapshot)
        return child

    def _served_socket(self, name: str) -> Path:
        return self._run_dir / f"{name}.sock"

    def _helper(self, name: str, command: Sequence[str], path: Path, variables: tuple[str, ...]) -> Child:
        path.unlink(missing_ok=True)
        argv = [*command, "--socket", str(path), "--data-dir", str(self.options.data_dir)]
        child = Child(name, argv, wants_control=False, socket_path=path, variables=variables)
        child.lower_priority()
        return child
