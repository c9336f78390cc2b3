"""The initial audit: one self-contained page of what the published warehouse shows, in two languages."""
