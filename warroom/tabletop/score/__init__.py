"""The score of an exercise: a pure function of its log and scenario, every point with its reason and its entries."""
