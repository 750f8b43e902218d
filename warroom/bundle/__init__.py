"""Life of the bundled stack: up, down, its state, its logs. Knows nothing of incidents.

`state` and `compose_file` are data alone; what speaks to Docker imports it when it first needs it.
"""
