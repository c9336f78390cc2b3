"""`python -m benchmarks.uplift` on files as they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.uplift.__main__ import main
from tests.unit.ml.uplift.campaigns import campaign

COLUMNS = ["--treatment", "arm", "--outcome", "bought"]


def test_a_latin_1_file_with_semicolons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = campaign(1_500, 7, moved=0.4)
    frame["channel"] = frame["channel"].replace({"phone": "teléfono"})
    file = tmp_path / "envío.csv"
    frame.to_csv(file, index=False, sep=";", encoding="latin-1")
    options = ["--features", "visits,channel,age", "--oracle", "true_effect"]
    main(["--data", str(file), *COLUMNS, *options, "--learners", "t_linear"])
    printed = capsys.readouterr().out
    assert "'Letter' against 'No letter'" in printed
    assert "average effect" in printed and "response_model" in printed and "grade" in printed
    assert "of the oracle" in printed or "oracle: Qini" in printed


def test_what_cannot_be_read_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path / "none.csv"), *COLUMNS])
    assert "no such file" in capsys.readouterr().err
    file = tmp_path / "one.parquet"
    campaign(1, 1).to_parquet(file)
    with pytest.raises(SystemExit):
        main(["--data", str(file), *COLUMNS, "--features", "visits"])
    assert "nobody was left without" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--data", str(file)])
    assert "--treatment" in capsys.readouterr().err
