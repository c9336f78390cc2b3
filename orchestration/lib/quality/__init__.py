"""Profiles of delivered tables and what they show; the decisions are in `ml.quality`."""
