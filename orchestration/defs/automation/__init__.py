"""Jobs, schedules, hooks and the shared resource."""
