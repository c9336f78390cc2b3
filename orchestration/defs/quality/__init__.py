"""Profiles of the delivered tables."""
