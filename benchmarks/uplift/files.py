"""A campaign's file as a frame: CSV of any separator or Parquet, types found by DuckDB.

Reading only; what the columns mean is decided by `ml.uplift`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

_ENCODINGS = ("utf-8", "latin-1")


class CampaignFileError(ValueError):
    """The file can't be used; the sentence says what to do."""


def read_campaign_file(file: Path) -> pd.DataFrame:
    """
    Return a Parquet, CSV or TSV file (compressed or not) as a frame, rows in their order.

    Raises
    ------
    CampaignFileError
        When there is no such file or it can't be read.
    """
    if not file.is_file():
        raise CampaignFileError(f"{file}: there is no such file.")
    path = str(file).replace("'", "''")
    endings = {ending.lower() for ending in file.suffixes}
    readers = [f"read_parquet('{path}')"]
    if not endings & {".parquet", ".pq"}:
        readers = [
            f"read_csv('{path}', header = true, sample_size = -1, encoding = '{name}'{more})"
            for more in ("", ", all_varchar = true")
            for name in _ENCODINGS
        ]
    problem = ""
    with duckdb.connect(config={"threads": 1}) as connection:
        for reader in readers:
            try:
                frame = connection.execute(f"select * from {reader}").df()
            except duckdb.Error as error:
                problem = problem or str(error).splitlines()[0]
            else:
                return frame
    raise CampaignFileError(f"{file}: can't be read as CSV or Parquet ({problem}).")
