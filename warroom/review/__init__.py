"""What is computed from the log for people: the brief for who joins now, the post-mortem for tomorrow."""
