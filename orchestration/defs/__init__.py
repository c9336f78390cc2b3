"""Assets, checks, jobs and schedules, one folder a capability; loaded by `definitions`."""
