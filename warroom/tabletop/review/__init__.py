"""The after-action report of an exercise: what happened, what was true, what it is worth, what comes of it."""
