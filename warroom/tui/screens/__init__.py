"""The screens: each composes panes and widgets, and turns keys into commands."""
