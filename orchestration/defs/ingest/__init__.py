"""Raw tables, the ledger and the run's settings."""
