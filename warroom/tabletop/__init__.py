"""Tabletop exercises: scenarios, the drill, those who play it by themselves, the score and the review."""
