"""The coordination server: rooms, sessions, presence, access, the telemetry relay's door, and HTTP for probes."""
