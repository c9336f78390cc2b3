"""The identity benchmark on small files: what it reads, what it refuses, what each side sees."""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from benchmarks.identity.__main__ import main, run_side
from benchmarks.identity.labelled_file import LabelledFileError, prepare
from benchmarks.identity.scoreboard import as_table, our_columns, ratios, splink_columns
from benchmarks.identity.worker import Outcome

GIVEN = ["mary", "john", "agnes", "walter", "edith", "hugh", "clara", "owen", "ruth", "miles"]
SURNAMES = ["holt", "marsh", "quint", "rowe", "sayer", "tate", "usher", "vale", "west", "yates"]


def people(count: int = 300) -> pd.DataFrame:
    """Return two records a person, the second with a slip in the surname or no e-mail."""
    rows = []
    for person in range(count):
        given, surname = (
            GIVEN[person % 10],
            f"{SURNAMES[person // 10 % 10]}{'abcdef'[person % 6]}son",
        )
        born = f"19{20 + person % 70}-{1 + person % 12:02d}-{1 + person % 28:02d}"
        email = f"{given}.{surname}{person}@mail.example"
        code = f"{10000 + person * 7 % 800}"
        rows += [
            (f"{person}-a", person, person // 2, given, surname, born, email, code),
            (f"{person}-b", person, person // 2, given, surname[:-1] if person % 3 else surname,
             born, None if person % 5 == 0 else email, code),
        ]  # fmt: skip
    return pd.DataFrame(
        rows, columns=["id", "who", "home", "first_name", "surname", "dob", "email", "zip"]
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    target = tmp_path / "people.parquet"
    people().to_parquet(target, index=False)
    return target


class TestReading:
    def read(self, file: Path, folder: Path, **more: object):  # type: ignore[no-untyped-def]
        asked = {
            "id_column": "id", "truth_column": "who", "household_column": None, "mapping": [], "seed": 1,
        } | more  # fmt: skip
        folder.mkdir(exist_ok=True)
        return prepare(file, folder=folder, **asked)  # type: ignore[arg-type]

    def test_the_resolvers_see_neither_truth_nor_ids_nor_order(
        self, file: Path, tmp_path: Path
    ) -> None:
        made = self.read(file, tmp_path / "made", household_column="home")
        records = pd.read_parquet(made.records)
        assert list(records) == [
            "record_id",
            "given_name",
            "surname",
            "birth_date",
            "email",
            "postal_code",
        ]
        truth = pd.read_parquet(made.truth).set_index("record_id")
        original = people().set_index("id")
        paired = records.set_index("record_id").join(truth)
        assert (
            paired["surname"] == original.loc[paired["original_id"], "surname"].to_numpy()
        ).all()
        # neighbours in the file are no neighbours any more
        together = truth.sort_index()["truth"].to_numpy()
        assert (together[1:] == together[:-1]).mean() < 0.05

    def test_csv_and_parquet_give_the_same_records(self, file: Path, tmp_path: Path) -> None:
        csv = tmp_path / "people.csv"
        people().to_csv(csv, index=False)
        parquet_made = self.read(file, tmp_path / "one")
        csv_made = self.read(csv, tmp_path / "two")
        pd.testing.assert_frame_equal(
            pd.read_parquet(parquet_made.records), pd.read_parquet(csv_made.records)
        )

    def test_western_european_and_semicolons(self, tmp_path: Path) -> None:
        target = tmp_path / "people.csv"
        target.write_bytes("id;who;name\n1;1;Muñoz\n2;1;Núñez\n".encode("latin-1"))
        records = pd.read_parquet(self.read(target, tmp_path / "made").records)
        assert sorted(records["full_name"]) == ["Muñoz", "Núñez"]

    def test_numbers_and_dates_become_the_text_that_people_wrote(self, tmp_path: Path) -> None:
        frame = pd.DataFrame(
            {
                "id": [1, 2], "who": [1, 1], "zip": [60622.0, None], "name": [" Ann ", ""],
                "dob": pd.to_datetime(["1990-02-01", None]), "phone": [2262649, 2262650],
            }
        )  # fmt: skip
        frame.to_parquet(tmp_path / "f.parquet", index=False)
        made = self.read(tmp_path / "f.parquet", tmp_path / "made")
        records = pd.read_parquet(made.records).sort_values("phone")
        assert records["postal_code"].tolist() == ["60622", None]
        assert records["birth_date"].tolist() == ["1990-02-01", None]
        assert records["full_name"].tolist() == ["Ann", None]
        assert records["phone"].tolist() == ["2262649", "2262650"]

    def test_a_file_may_call_its_columns_as_we_do(self, tmp_path: Path) -> None:
        target = tmp_path / "f.parquet"
        people().rename(columns={"id": "record_id", "who": "truth"}).to_parquet(target, index=False)
        made = self.read(
            target,
            tmp_path / "made",
            id_column="record_id",
            truth_column="truth",
            mapping=["zip=zip"],
        )
        truth = pd.read_parquet(made.truth)
        assert sorted(truth["record_id"]) == list(range(1, 601))
        whose = truth["original_id"].str.split("-").str[0]
        assert (whose == truth["truth"]).all()

    def test_another_seed_gives_other_numbers(self, file: Path, tmp_path: Path) -> None:
        one = self.read(file, tmp_path / "one")
        other = self.read(file, tmp_path / "two", seed=2)
        assert not pd.read_parquet(one.records).equals(pd.read_parquet(other.records))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda frame: frame.drop(columns="who"), "there is no column 'who'; it has id, home"),
            (lambda frame: frame.assign(id=1), "column 'id' repeats in 599 of 600 rows"),
            (
                lambda frame: frame.assign(id=frame["id"].where(frame.index > 1)),
                "'id' is null in 2 of 600",
            ),
            (lambda frame: frame.assign(who=None), "column 'who' is empty in all 600 rows"),
            (lambda frame: frame.head(0), "there are no rows"),
        ],
    )
    def test_what_is_wrong_names_file_and_column(self, change, message, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        target = tmp_path / "bad.parquet"
        change(people()).to_parquet(target, index=False)
        with pytest.raises(LabelledFileError, match=message) as raised:
            self.read(target, tmp_path / "made")
        assert "bad.parquet" in str(raised.value)

    def test_no_file_and_no_parquet(self, tmp_path: Path) -> None:
        with pytest.raises(LabelledFileError, match=r"none\.parquet: there is no such file"):
            self.read(tmp_path / "none.parquet", tmp_path / "made")
        (tmp_path / "text.parquet").write_text("hello")
        with pytest.raises(LabelledFileError, match="can't be read as Parquet"):
            self.read(tmp_path / "text.parquet", tmp_path / "made")


def test_errors_of_the_command_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--records", str(file), "--id", "id", "--truth", "who"]
    assert main([*asked, "--map", "dob=birthday"]) == 2
    assert "no column 'birthday'" in capsys.readouterr().err
    assert main([*asked[:-1], "whom"]) == 2
    assert "no column 'whom'" in capsys.readouterr().err


@pytest.fixture
def outcomes(tmp_path: Path) -> tuple[Path, Outcome, Outcome]:
    """Return a truth of five records, our perfect clusters and a rival's at two thresholds."""
    frames = {
        "truth": {
            "record_id": [1, 2, 3, 4, 5], "truth": ["a", "a", "b", "b", None],
            "household_truth": ["h", "h", "h", "h", "h"],
        },
        "ours": {"record_id": [1, 2, 3, 4, 5], "predicted": [1, 1, 3, 3, 5], "household": [1] * 5},
        "merged": {"record_id": [1, 2, 3, 4, 5], "predicted": [1] * 5},
        "split": {"record_id": [1, 2, 3, 4, 5], "predicted": [1, 1, 3, 4, 5]},
    }  # fmt: skip
    paths = {name: tmp_path / f"{name}.parquet" for name in frames}
    for name, columns in frames.items():
        pd.DataFrame(columns).to_parquet(paths[name], index=False)
    ours = Outcome(2.0, 3.0, 100 * 2**20, 7, {"chosen": str(paths["ours"])})
    merged, split = str(paths["merged"]), str(paths["split"])
    return (
        paths["truth"],
        ours,
        Outcome(4.0, 12.0, 2**20, 9, {"chosen": merged, "4.25": merged, "8.0": split}),
    )


def test_scoreboard(outcomes: tuple[Path, Outcome, Outcome]) -> None:
    truth, ours, bare = outcomes
    columns = our_columns(ours, truth, has_households=True) + splink_columns(bare, truth)
    assert [column.title for column in columns] == [
        "ours",
        "our households",
        "bare Splink",
        "picked (8)",
    ]
    # the record without a truth is not scored
    assert [column.evaluation.records for column in columns] == [4, 5, 4, 4]
    assert [column.evaluation.pairwise.f1 for column in columns] == pytest.approx(
        [1, 1, 0.5, 2 / 3]
    )
    assert ratios(columns) == pytest.approx(
        {
            "time": 0.5,
            "cpu_time": 0.25,
            "peak_memory": 100.0,
            "pairwise_f1_more": 0.5,
            "b_cubed_f1_more": 1 - 2 / 3,
            "pairwise_f1_more_than_picked": 1 / 3,
        }
    )
    table = as_table(columns)
    assert (
        "ours / bare Splink: time 0.50 (of all threads 0.25), peak memory 100.00; pairwise F1 +0.5000"
        in table
    )
    assert len({len(line) for line in table.split("\n\n")[0].splitlines()}) == 1


def test_peak_of_memory_is_of_this_process() -> None:
    script = (
        "from benchmarks.identity.worker import peak_bytes\n"
        "before = peak_bytes(); block = bytearray(200 << 20); del block\n"
        "print(before, peak_bytes())"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert before + (190 << 20) < after < before + (400 << 20)


def test_bare_splink_runs_in_its_own_process_and_finds_the_pairs(
    file: Path, tmp_path: Path
) -> None:
    from benchmarks.identity.__main__ import arguments

    made = prepare(
        file,
        id_column="id",
        truth_column="who",
        household_column=None,
        mapping=[],
        folder=tmp_path,
        seed=1,
    )
    options = arguments().parse_args(
        ["--records", "x", "--id", "id", "--truth", "who", "--threads", "1"]
    )
    outcome = run_side("splink", made, tmp_path, options)
    assert outcome.seconds > 0
    assert outcome.cpu_seconds > 0
    assert outcome.peak_bytes > 50 << 20
    default, picked = splink_columns(outcome, made.truth)
    assert default.evaluation.records == 600
    assert picked.evaluation.pairwise.f1 >= default.evaluation.pairwise.f1 > 0.8
    clusters = duckdb.sql(
        f"select count(distinct record_id) from '{outcome.clusters['chosen']}'"
    ).fetchall()
    assert clusters == [(600,)]
    assert json.loads((tmp_path / "splink" / "job.json").read_text())["fields"] == made.fields


def test_whole_command(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report, clusters = tmp_path / "report.json", tmp_path / "clusters.parquet"
    asked = ["--records", str(file), "--id", "id", "--truth", "who", "--threads", "1"]
    told = ["--map", "forename=first_name,surname=surname", "--map", "dob=dob,zip=zip,email=email"]
    written = ["--json", str(report), "--clusters", str(clusters), "--household-truth", "home"]
    assert main([*asked, *told, *written, "--skip-splink"]) == 0
    printed = capsys.readouterr().out
    assert "given_name    first_name" in printed
    assert "pairwise F1" in printed
    found = json.loads(report.read_text())
    assert found["sides"]["ours"]["records"] == 600
    assert found["sides"]["ours"]["pairwise"]["f1"] > 0.9
    assert found["sides"]["our households"]["true_clusters"] == 150
    assert found["columns"]["given_name"] == "first_name"
    ours = pd.read_parquet(clusters)
    assert sorted(ours["id"]) == sorted(people()["id"])
    # what is written is what was scored
    whole = ours.groupby("person_cluster")["truth"].nunique().eq(1).mean()
    assert whole > 0.9


def test_a_rival_that_cannot_cope_leaves_our_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "apart.parquet"
    pd.DataFrame(
        {"id": range(60), "who": range(60), "surname": [f"x{n}y" for n in range(60)]}
    ).to_parquet(target, index=False)
    assert main(["--records", str(target), "--id", "id", "--truth", "who"]) == 0
    printed = capsys.readouterr()
    assert "Bare Splink is left out" in printed.err
    assert "no blocking key" in printed.err
    assert "pairwise F1" in printed.out


def test_a_side_that_fails_is_told(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--records", str(file), "--id", "id", "--truth", "who", "--memory-limit", "no size"]
    assert main([*asked, "--skip-splink"]) == 1
    assert "The side 'ours' ended with" in capsys.readouterr().err
