"""The made file: what is shared, how many duplicates, and that the seed decides all."""

import pandas as pd

from benchmarks.identity.made_households import DUPLICATE_SHARE, SHARING_SHARE, make_records


def test_shares_are_as_promised() -> None:
    made = make_records(20_000, seed=3)
    assert made["record_id"].is_unique
    people = made.drop_duplicates("person")
    assert len(people) == round(20_000 * (1 - DUPLICATE_SHARE))
    members = people.groupby("household")["person"].transform("size")
    assert abs((members > 1).mean() - SHARING_SHARE) < 0.02
    assert members.max() == 4
    # most of a home give one telephone, one street and one surname
    given = made[made.groupby("household")["person"].transform("nunique") > 1]
    for column in ("phone", "street", "surname"):
        common = given.groupby("household")[column].agg(
            lambda values: values.value_counts(normalize=True).max()
        )
        assert common.mean() > 0.85
    assert made["first_name"].isna().sum() > 0
    assert made["person"].notna().all()


def test_slips_are_mostly_in_second_records() -> None:
    made = make_records(20_000, seed=3)
    variants = made.groupby("person")["dob"].nunique()
    records = made.groupby("person").size()
    assert (variants[records == 1] <= 1).all()
    assert 0.03 < (variants[records == 2] == 2).mean() < 0.10


def test_seed_decides() -> None:
    pd.testing.assert_frame_equal(make_records(500, seed=5), make_records(500, seed=5))
    assert not make_records(500, seed=5).equals(make_records(500, seed=6))
