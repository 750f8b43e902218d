"""Playbook files: read, check, match to an incident, say what is next. Carrying steps out is not done here."""
