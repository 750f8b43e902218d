"""The trace of a request: which services worked on it, and where its time went.

Invariant: a trace is a function of its request; the span of the service that answers it takes exactly as long as the
request did, and what is beyond its usual work was waiting for a connection.
"""

from __future__ import annotations

from warroom.demo.traffic import Request
from warroom.telemetry.traces import Operation, Pairs, Span, SpanLog, Trace

OPERATIONS: dict[str, tuple[Operation, ...]] = {
    "billing": (Operation("invoice.send", "consumer"), Operation("render invoice", "internal")),
    "checkout-api": (Operation("GET cart", "client"), Operation("POST /checkout", "server"),
                     Operation("pool.acquire", "client"), Operation("publish order-placed", "producer")),
    "edge-gateway": (Operation("GET /product/{id}", "server"), Operation("GET /search", "server"),
                     Operation("POST /api/checkout", "server")),
    "orders-db": (Operation("INSERT orders", "server"),),
    "payments": (Operation("POST /charges", "server"), Operation("acme-pay charge", "client")),
    "pgbouncer": (Operation("acquire", "server"),),
    "recommendations": (Operation("GET /recommend", "server"),),
    "search": (Operation("GET /search", "server"), Operation("read index", "internal")),
    "storefront": (Operation("GET /product/{id}", "server"), Operation("GET product", "client")),
}  # fmt: skip
"""What each service does."""
SEEN_IN: dict[str, tuple[str, ...]] = {
    "billing": ("invoice",), "checkout-api": ("checkout",), "edge-gateway": ("checkout", "browse", "search"),
    "orders-db": ("checkout",), "payments": ("checkout",), "pgbouncer": ("checkout",),
    "recommendations": ("browse",), "search": ("search",), "storefront": ("browse",),
}  # fmt: skip
"""The kinds of request that a service works on."""
TRIES = 3
"""How often a checkout asks a full pool for a connection before it gives up."""
_MASK = (1 << 64) - 1


def trace_of(request: Request) -> Trace:
    """The whole trace, by start time."""
    make = _Maker(request)
    {"checkout": make.checkout, "browse": make.browse, "search": make.search, "invoice": make.invoice}[request.kind]()
    return Trace(request.trace_id, tuple(sorted(make.spans, key=lambda one: (one.start, one.span_id))))


class _Maker:
    def __init__(self, request: Request) -> None:
        self.request = request
        self.spans: list[Span] = []
        self._first = int(request.trace_id[:16], 16)

    def add(
        self, parent: str, service: str, operation: str, kind: str, start: int, duration: int,
        *, error: bool = False, tags: Pairs = (), process: Pairs = (), logs: tuple[SpanLog, ...] = (),
    ) -> str:  # fmt: skip
        """One more span. Returns its id."""
        name = f"{(self._first ^ (len(self.spans) + 1) * 0x9E3779B97F4A7C15) & _MASK:016x}"
        marked = (("error", "true"),) if error else ()
        tags = tuple(sorted((("span.kind", kind), *tags, *marked)))
        process = tuple(sorted((("region", "eu-west-1"), ("telemetry", "made up"), *process)))
        span = Span(name, parent, service, operation, start, max(1, duration), kind, error, False, tags, process, logs)
        self.spans.append(span)
        return name

    def gateway(self, operation: str, method: str) -> tuple[str, int]:
        """The span of the gateway. Returns its id and when it passes the request on."""
        one = self.request
        tags = (("http.method", method), ("http.status_code", str(one.status)))
        edge = self.add("", "edge-gateway", operation, "server", one.start, one.whole, error=one.failed, tags=tags)
        return edge, one.start + (one.whole - one.duration) // 2

    def checkout(self) -> None:
        one = self.request
        edge, at = self.gateway("POST /api/checkout", "POST")
        events = (_event(at + one.wait, "payment timed out, trying again"),) if one.retried else ()
        if one.failed:
            events = (_event(at + one.duration, "timeout waiting for a connection" if one.full else
                             "deadline exceeded"),)  # fmt: skip
        api = self.add(
            edge, "checkout-api", "POST /checkout", "server", at, one.duration, error=one.failed, logs=events,
            tags=(("http.method", "POST"), ("http.status_code", str(one.status)), ("version", one.version)),
            process=(("pod", one.pod), ("version", one.version)),
        )  # fmt: skip
        busy, end = one.duration - one.wait, at + one.duration
        at += busy // 20
        self.add(api, "checkout-api", "GET cart", "client", at, busy // 20, tags=(("db.system", "redis"),))
        at += busy // 20
        if one.failed:
            self.acquire(api, at, end - at - busy // 20, failed=True)
            return
        self.acquire(api, at, one.wait, failed=False)
        at += one.wait
        self.add(api, "orders-db", "INSERT orders", "server", at, busy * 22 // 100, tags=(("db.system", "postgresql"),))
        at += busy * 24 // 100
        pay = self.add(api, "payments", "POST /charges", "server", at, busy * 45 // 100,
                       tags=(("http.method", "POST"), ("http.status_code", "201")))  # fmt: skip
        self.add(pay, "payments", "acme-pay charge", "client", at + busy // 100, busy * 42 // 100)
        at += busy * 47 // 100
        self.add(api, "checkout-api", "publish order-placed", "producer", at, busy // 25,
                 tags=(("messaging.system", "rabbitmq"),))  # fmt: skip

    def acquire(self, parent: str, at: int, length: int, *, failed: bool) -> None:
        """Wait for a connection; against a full pool several times, in vain."""
        one = self.request
        in_use = (("pool.in_use", str(round(one.moment.pool * 200))), ("pool.max", "200"))
        wait = self.add(parent, "checkout-api", "pool.acquire", "client", at, length, error=failed, tags=in_use)
        refused = failed and one.full
        tries = TRIES if refused else 1
        for number in range(tries):
            self.add(wait, "pgbouncer", "acquire", "server", at + length * number // tries, length // tries,
                     error=refused, tags=in_use)  # fmt: skip

    def browse(self) -> None:
        one = self.request
        edge, at = self.gateway("GET /product/{id}", "GET")
        front = self.add(edge, "storefront", "GET /product/{id}", "server", at, one.duration, error=one.failed,
                         tags=(("http.method", "GET"), ("http.status_code", str(one.status))))  # fmt: skip
        tenth = one.duration // 10
        self.add(front, "storefront", "GET product", "client", at + tenth, 2 * tenth, tags=(("db.system", "redis"),))
        if one.moment.recommends:
            self.add(front, "recommendations", "GET /recommend", "server", at + 4 * tenth, 3 * tenth,
                     tags=(("http.method", "GET"), ("http.status_code", "200")))  # fmt: skip

    def search(self) -> None:
        one = self.request
        edge, at = self.gateway("GET /search", "GET")
        served = self.add(edge, "search", "GET /search", "server", at, one.duration, error=one.failed,
                          tags=(("http.method", "GET"), ("http.status_code", str(one.status))))  # fmt: skip
        self.add(served, "search", "read index", "internal", at + one.duration // 10, one.duration * 7 // 10)

    def invoice(self) -> None:
        one = self.request
        sent = self.add("", "billing", "invoice.send", "consumer", one.start, one.duration, error=one.failed,
                        tags=(("messaging.system", "rabbitmq"),))  # fmt: skip
        self.add(sent, "billing", "render invoice", "internal", one.start, one.duration * 6 // 10)


def _event(at: int, words: str) -> SpanLog:
    return SpanLog(at, (("event", words),))
