"""What each event changes in the state: one function per event type, by topic. They refuse and raise nothing."""
