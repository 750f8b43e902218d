"""The commands: parse, call, print. What can be done in the console can be done by a command here."""
