"""The telemetry panes: each fills the screen, and all share one time range."""
