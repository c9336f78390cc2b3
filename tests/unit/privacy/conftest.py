"""The small shop of the loading tests, for files whose people or periods are asked for."""

from tests.unit.ingest.conftest import shop

__all__ = ["shop"]
