"""Customer models."""
