"""Messages between client and server, their encoding, and the session as a state machine without I/O."""
