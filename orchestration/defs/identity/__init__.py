"""Customer records, normalised, and later who is the same person."""
