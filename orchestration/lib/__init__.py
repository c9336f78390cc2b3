"""Building blocks of the orchestration: translators, factories, formatting; no asset definitions."""
