"""A client of no cluster: what it is asked, it answers as it is told to."""

from __future__ import annotations

from typing import Any

from experiments.sweeps.on_worker import Wanted
from experiments.sweeps.workers import Crew


class Client:
    """Has workers with their answers, or an error whenever it is asked for them."""

    cluster: Any = None

    def __init__(self, error: BaseException | None = None, status: str = "running") -> None:
        self.answers: dict[str, Any] = {}
        self.error = error
        self.status = status
        self.said: list[str] = []

    def crew(self, ever: bool = False) -> Crew:
        client: Any = self
        return Crew(client, Wanted({}), self.said.append, ever)

    def nthreads(self) -> dict[str, int]:
        if self.error is not None:
            raise self.error
        return dict.fromkeys(self.answers, 1)

    def run(self, _: Any, __: Any, workers: list[str], on_error: str) -> dict[str, Any]:
        assert on_error == "return"
        return {address: self.answers[address] for address in workers}
