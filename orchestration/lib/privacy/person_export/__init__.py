"""What is held of one person, as data and as a page that the person can read (GDPR art. 15 and 20).

Belongs here: collecting by the registry, the page, the ZIP. Does not: finding people (`subjects`).
"""
