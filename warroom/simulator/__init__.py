"""An imaginary production: services that queue, fail and recover, and the telemetry they leave behind.

It knows nothing of incidents: who plays with it, and what it means, is decided elsewhere.
"""
