"""Grafana's panels drawn in cells: from `PanelData` to rows of runs, and the board they stand on."""
