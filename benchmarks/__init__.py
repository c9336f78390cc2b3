"""Side-by-side comparisons that print ratios: ours and the plain way, in the same process and run.

No tests and no assertions here; `make bench` runs them, tests are in `tests/`.
"""
