"""The console: what a responder sees and types. It speaks to the client library only.

Invariant: importing this package imports nothing; the first paint must not wait for a room it does not show.
"""
