"""What each command leads to: one function per command type, by topic. They change nothing, they answer."""
