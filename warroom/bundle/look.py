"""A look at the whole stack: what Docker knows, what the probes find, what each service uses.

Invariant: all services are asked at the same time, because one answer of the statistics takes a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from warroom.bundle import reading
from warroom.bundle.compose_file import Bundle, Service
from warroom.bundle.engine import AT_ONCE, address, connect, in_words, knock
from warroom.bundle.errors import StackError
from warroom.bundle.probe import answers
from warroom.bundle.reading import Figures
from warroom.bundle.state import Engine, ServiceState, StackState, summary


class Onlooker:
    """Keeps a connection to the engine between looks. Not for two threads at once; `close` at the end."""

    def __init__(self, bundle: Bundle, env: Mapping[str, str]) -> None:
        self.bundle = bundle
        self._env = env
        self._client: Any = None
        self._machine_memory = 0
        self._pool = ThreadPoolExecutor(AT_ONCE, "stack-look")

    def look(self, *, measure: bool = True, known: Mapping[str, Figures] | None = None) -> StackState:
        """The state now; with `measure` it takes more than a second, else the figures are those of `known`.

        Raises nothing of the engine's: without one the state says so.
        """
        try:
            with self.engine() as client:
                services = self._services(client, measure, known or {})
        except StackError as missing:
            kinds: dict[str, Engine] = {"denied": "denied", "no-engine": "none", "elsewhere": "none"}
            return StackState(kinds.get(missing.kind, "unknown"), missing.words, _now())
        return StackState("ok", summary(services), _now(), services)

    @contextmanager
    def engine(self) -> Iterator[Any]:
        """The engine's API; what goes wrong with it inside comes out as StackError, and the next use connects anew."""
        try:
            knock(address(self._env))
            if self._client is None:
                self._client = connect(self._env)
                self._machine_memory = int(self._client.info().get("MemTotal") or 0)
            yield self._client
        except Exception as error:
            known = in_words(error)
            if known is None:
                raise
            self._forget()
            raise known from None

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._forget()

    def _forget(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def _services(self, client: Any, measure: bool, known: Mapping[str, Figures]) -> tuple[ServiceState, ...]:
        found = reading.newest(containers(client, self.bundle.project))
        work = [self._pool.submit(self._one, client, one, found.get(one.name), measure, known)
                for one in self.bundle.services]  # fmt: skip
        return tuple(one.result() for one in work)

    def _one(
        self,
        client: Any,
        service: Service,
        container: Mapping[str, Any] | None,
        measure: bool,
        known: Mapping[str, Figures],
    ) -> ServiceState:
        from docker.errors import NotFound

        if container is None:
            return reading.absent(service)
        try:
            inspected = client.inspect_container(container["Id"])
            used = known.get(service.name, Figures())
            if inspected["State"].get("Running"):
                if measure:
                    stats = client.stats(container["Id"], stream=False)
                    used = reading.figures(stats, self._machine_memory)
                outside = answers(service.probe) if service.probe else None
            else:
                outside = None
        except NotFound:  # it was removed between the list and the question
            return reading.absent(service)
        return reading.service_state(service, inspected, outside, used)


def containers(client: Any, project: str) -> list[dict[str, Any]]:
    """Every container of the project, stopped ones too; found by label, since compose 1 and 2 name them differently."""
    found: list[dict[str, Any]] = client.containers(all=True, filters={"label": f"{reading.PROJECT_LABEL}={project}"})
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
