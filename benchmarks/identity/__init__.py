"""The resolver beside bare Splink on a labelled file: `python -m benchmarks.identity --records FILE ...`.

Belongs here: reading the file, running each side in a process of its own, scoring, printing. Does not:
resolving (`ml.identity.linking`) or what a score is (`ml.identity.evaluation`).
"""
