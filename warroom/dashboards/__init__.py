"""Grafana dashboards: their JSON read, their queries made, the answers turned into what a panel shows.

Nothing here draws, asks a server or reads a clock: times, variables and answers are given.
"""
