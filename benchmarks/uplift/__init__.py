"""Uplift learners on any randomised campaign, and on the simulated market with its planted types.

Belongs here: reading files and printing. Does not: anything that learns (`ml.uplift`).
"""
