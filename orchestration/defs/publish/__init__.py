"""The publish, last step of a run."""
