"""Estimation and decisions as pure Python: frames and frozen configuration in, frames out.

No I/O, no clock, no dagster or dbt in here: when, where and with which connection is `orchestration`.
"""
