"""The sample service as people start it without Docker."""

from __future__ import annotations

import http.client
import json
import sys
from pathlib import Path
from typing import Any

from tests.real_servers import RealServer, free_port
from tests.stack.files import STACK


class Sample(RealServer):
    """`python stack/sample/service.py`, on a free port."""

    def post(self, path: str) -> tuple[int, Any]:
        """Status and body of a POST without a body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("POST", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def open_metrics(self) -> str:
        """Its metrics in the format that has exemplars."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def _ready(self) -> bool:
        try:
            self.get("/healthz")
        except (OSError, http.client.HTTPException, AssertionError):
            return False
        return True


def start_sample(log: Path, *more: str) -> Sample:
    """A sample service that answers and has visitors."""
    port = free_port()
    command = (sys.executable, str(STACK / "sample/service.py"), "--port", str(port), *more)
    sample = Sample(command, port, log)
    sample.start()
    return sample
