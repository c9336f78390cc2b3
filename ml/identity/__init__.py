"""Who a record is about: normalising what sources wrote of a person, later finding who is the same.

Belongs here: functions on frames of customer records. Does not: reading them or storing the result.
"""
