"""Reference data of the normalisation: the project's own seeds and the names of the package."""

from __future__ import annotations

import pytest

from benchmarks.normalisation import read_reference
from ml.identity.normalise import RecordNormaliser, Reference


@pytest.fixture(scope="session")
def reference() -> Reference:
    return read_reference()


@pytest.fixture(scope="session")
def normaliser(reference: Reference) -> RecordNormaliser:
    return RecordNormaliser(reference)
