"""warroom: one shared, live incident in the terminal, kept as one append-only log."""

__version__ = "0.1.0"
