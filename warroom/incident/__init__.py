"""The pure core: what an incident is, what may happen to it, and what has happened.

No I/O, no clock, no framework. `decide` holds every rule, `evolve` holds none; both are total.
State (`state`, `words`) imports no pydantic, so a console can paint before the wire is loaded.
"""
