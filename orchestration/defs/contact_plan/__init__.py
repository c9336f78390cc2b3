"""The contact plan."""
