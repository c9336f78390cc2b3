"""Erasure of people (GDPR art. 17): everything of a person, everywhere under ``CADENCIA_HOME``.

Belongs here: the stages of an erasure and the rewriting of databases. Does not: finding people
(`subjects`, `targets`), rewriting files (`scrubbing`), keeping people out (`tombstones`).
"""
