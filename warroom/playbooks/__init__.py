"""Playbook files: read, check, match, say what is next. Carrying steps out is done elsewhere."""
