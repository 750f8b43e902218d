"""The demo: an exercise that a team of automated colleagues is in the middle of, all in one process.

It is a composition root beside `warroom.app_exercise`, on which it stands. Invariant: everybody in it comes in by the
websocket with a token of their own, and when it ends nothing is left behind but one that was played to its end.
"""
