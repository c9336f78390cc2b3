"""Tests that need a real browser: Debian's chromium, driven from the command line."""
