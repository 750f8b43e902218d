"""Clients of the telemetry servers, and the relay that lets many people watch one query.

This package knows nothing of incidents: it speaks of panels, series and sources only.
"""
