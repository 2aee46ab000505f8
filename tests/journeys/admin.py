"""An administrator of a gateway that is served, over the management API."""

from __future__ import annotations

import re
from typing import Any

from tests.fakes.waiting import until
from tests.journeys.served import Served


class Admin:
    """An administrator, by a `token`."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self.token = ""

    async def set_up(self) -> None:
        """Make the first user with the token of the log."""
        await until(lambda: re.search(r"set-up token \S+\n", self._served.log.read_text()), "the set-up token")
        found = re.search(r"set-up token (\S+)", self._served.log.read_text())
        assert found is not None
        body = {"token": found[1], "name": "ann", "password": "correct horse battery"}
        self.token = (await self.ask("POST", "setup", body, 201))["token"]

    async def ask(self, method: str, path: str, body: object = None, status: int = 200) -> Any:
        """One request, whose status is asserted; its JSON."""
        data = b"" if body is None else body
        headers = ["Content-Type: application/json"]
        answer = await self._served.call(
            f"/api/v1/{path}", data, method=method, headers=headers, key=self.token or None
        )
        assert answer.status == status, (answer.status, answer.body)
        return answer.json() if answer.body else None
