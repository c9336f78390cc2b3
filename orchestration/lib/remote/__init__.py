"""Sources that are asked rather than dropped: databases and REST services, extracted into files."""
