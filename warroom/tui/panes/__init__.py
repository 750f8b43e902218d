"""What each pane of the board shows: slices of the incident as rows, drawn as runs of text. No network, no screen."""
