"""The demo: a server, its log, made-up telemetry and a few automated responders, all in one process.

It is a composition root beside `warroom.app`. Invariant: everybody in it comes in by the websocket with a token of
their own, and when it ends nothing is left behind that was not asked for.
"""
