"""Sample services to look at: metrics with exemplars, traces, logs with trace ids, and a switch that makes them fail.

python service.py [--port 8090] [--otlp http://127.0.0.1:4318] [--rate 10]

GET  /metrics                                         Prometheus text; OpenMetrics with exemplars to who accepts it
GET  /healthz                                         200
POST /buy                                             one visit, 200 or 503
POST /v1/models/{small|large}/predict                 one prediction, 200 or 503
POST /fail?ratio=0.2&latency=400ms&service=payment    that share fails, each takes that much longer
POST /heal                                            all is well again
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from figures import REGISTRY
from otlp import Sender
from prometheus_client.exposition import choose_encoder
from shop import MODELS, SERVICES, Shop, Trouble

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(ms|s)")
_LONGEST = 30.0
VISITORS = 16
"""Visits at the same time at most; the rate falls when they take long, as it does with real customers."""


def trouble(query: str) -> Trouble:
    """What the query of /fail asks for.

    Raises:
        ValueError: with a sentence that says which value is wrong and what would be right.
    """
    said = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(said.keys() - {"ratio", "latency", "service"})
    if unknown:
        raise ValueError(f"{unknown[0]!r} is unknown; there are ratio, latency and service")
    service = said.get("service", "payment")
    if service not in SERVICES:
        raise ValueError(f"service is one of {', '.join(SERVICES)}, not {service!r}")
    try:
        ratio = float(said.get("ratio", "0"))
    except ValueError:
        ratio = -1.0
    if not 0 <= ratio <= 1:
        raise ValueError(f"ratio is a number from 0 to 1, not {said['ratio']!r}")
    found = _SECONDS.fullmatch(said.get("latency", "0s"))
    seconds = float(found[1]) / (1000 if found[2] == "ms" else 1) if found else -1.0
    if not 0 <= seconds <= _LONGEST:
        raise ValueError(f"latency is a time such as 400ms or 2s, at most 30s, not {said['latency']!r}")
    return Trouble(service, ratio, seconds)


class Traffic:
    """Customers, as many a second as `rate` says. `start` and `stop`."""

    def __init__(self, shop: Shop, rate: float) -> None:
        self._shop = shop
        self._pause = VISITORS / rate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(VISITORS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Nobody comes any more; those who are in are served."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _run(self, number: int) -> None:
        due = time.monotonic() + self._pause * number / VISITORS
        while not self._stop.wait(max(0.0, due - time.monotonic())):
            self._shop.visit()
            due = max(due + self._pause, time.monotonic())


class Page(BaseHTTPRequestHandler):
    """The sample's HTTP port. What is served is a subclass that has its `shop`."""

    shop: Shop
    protocol_version = "HTTP/1.1"
    timeout = 10

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/metrics":
            encode, kind = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, encode(REGISTRY), kind)
        elif path == "/healthz":
            self._say(200, {"healthy": True})
        else:
            self._say(404, {"error": "there is nothing here; try /metrics or /healthz"})

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        model = re.fullmatch(r"/v1/models/(\w+)/predict", parts.path)
        if parts.path == "/buy":
            self._serve(self.shop.visit())
        elif model and model[1] in MODELS:
            self._serve(self.shop.predict(model[1]))
        elif parts.path == "/fail":
            self._trouble(parts.query)
        elif parts.path == "/heal":
            self._trouble("")
        else:
            self._say(404, {"error": "there is nothing here; try /buy, /v1/models/small/predict, /fail or /heal"})

    def _trouble(self, query: str) -> None:
        try:
            self.shop.trouble = trouble(query)
        except ValueError as error:
            self._say(400, {"error": str(error)})
        else:
            now = self.shop.trouble
            self._say(200, {"service": now.service, "ratio": now.ratio, "latency_seconds": now.seconds})

    def _serve(self, worked: bool) -> None:
        self._say(200 if worked else 503, {"worked": worked})

    def _say(self, status: int, said: dict[str, Any]) -> None:
        self._answer(status, json.dumps(said).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        # A body that nobody asked for is left unread.
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: object) -> None:
        """Quiet: standard output is the services' log."""


def main() -> int:
    """Run until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Sample services for the observability stack, on loopback.")
    parser.add_argument("--port", type=int, default=8090, help="of its HTTP (default: 8090)")
    parser.add_argument("--otlp", default="", metavar="URL", help="where to send traces and logs; http on loopback")
    parser.add_argument("--rate", type=float, default=10.0, help="visits a second, 0.1 to 200 (default: 10)")
    parser.add_argument("--quiet", action="store_true", help="write no log lines")
    asked = parser.parse_args()
    if asked.otlp and (
        urlsplit(asked.otlp).scheme != "http" or urlsplit(asked.otlp).hostname not in ("127.0.0.1", "localhost")
    ):
        parser.error(f"--otlp: must be http on 127.0.0.1, such as http://127.0.0.1:4318, not {asked.otlp!r}")
    if not 0.1 <= asked.rate <= 200:
        parser.error(f"--rate: must be from 0.1 to 200, not {asked.rate}")
    sender = Sender(asked.otlp, quiet=asked.quiet)
    shop = Shop(sender)
    traffic = Traffic(shop, asked.rate)
    try:
        server = ThreadingHTTPServer(("127.0.0.1", asked.port), type("ShopPage", (Page,), {"shop": shop}))
    except (OSError, OverflowError) as error:
        parser.error(f"--port: 127.0.0.1:{asked.port} cannot be listened on: {error}")
    server.daemon_threads = True
    for number in (signal.SIGTERM, signal.SIGINT):
        # `shutdown` waits for the loop that this handler interrupts: another thread has to call it.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    sender.start()
    traffic.start()
    sys.stderr.write(f"sample services on http://127.0.0.1:{server.server_address[1]}\n")
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    traffic.stop()
    sender.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
