"""What every participant stands on: replica, outbox, reconnect. Works while the server is away."""
