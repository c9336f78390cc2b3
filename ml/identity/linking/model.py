"""A trained linking model, as it is stored and read again.

Belongs here: what a model consists of, and its JSON. Does not: training it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from ml.identity.linking.blocking import CandidateKey, ChosenKey, propose_keys
from ml.identity.linking.features import FeatureSet
from ml.identity.linking.training import LinkingParameters

# Raise it when features, levels or keys change: a model of another version is trained anew.
LINKING_VERSION = "3"


@dataclass(frozen=True)
class LinkingModel:
    """All that scoring and grouping new records needs to do as the run that trained it did.

    Attributes
    ----------
    fingerprint : str
        Of the features and the version: a model with another one is of no use.
    parameters : LinkingParameters
        What each level is worth.
    keys : tuple of ChosenKey
        Candidate keys with their largest blocks.
    mean_records : dict of str to float
        Frequent feature to the records of a mean chance agreement.
    records : int
        How many records it was trained on.
    """

    fingerprint: str
    parameters: LinkingParameters
    keys: tuple[ChosenKey, ...]
    mean_records: Mapping[str, float]
    records: int

    def to_json(self) -> str:
        """Return the model as JSON."""
        return json.dumps(
            {
                "fingerprint": self.fingerprint,
                "parameters": asdict(self.parameters),
                "keys": [
                    {"name": key.key.name, "largest_block": key.largest_block, "pairs": key.pairs}
                    for key in self.keys
                ],
                "mean_records": dict(self.mean_records),
                "records": self.records,
            },
            sort_keys=True,
        )

    @property
    def model_id(self) -> str:
        """Short hash of the model."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


def fingerprint(features: FeatureSet) -> str:
    """Return a hash of the features, their SQL and the version."""
    text = json.dumps([LINKING_VERSION, features.expressions, features.frequent, features.others])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_model(text: str, features: FeatureSet) -> LinkingModel | None:
    """Return the stored model, None when it is of other features or of another version."""
    stored = json.loads(text)
    if stored["fingerprint"] != fingerprint(features):
        return None
    known: dict[str, CandidateKey] = {
        key.name: key for group in propose_keys(features) for key in group
    }
    return LinkingModel(
        fingerprint=stored["fingerprint"],
        parameters=LinkingParameters(**stored["parameters"]),
        keys=tuple(
            ChosenKey(known[key["name"]], key["largest_block"], key["pairs"])
            for key in stored["keys"]
        ),
        mean_records=stored["mean_records"],
        records=stored["records"],
    )


def key_fields(keys: Sequence[ChosenKey]) -> list[frozenset[str]]:
    """Return for each key the comparisons whose evidence it uses up."""
    return [key.key.fields for key in keys]
