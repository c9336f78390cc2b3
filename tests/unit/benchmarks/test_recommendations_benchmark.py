"""`python -m benchmarks.recommendations` on any file of transactions."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.recommendations import main
from tests.unit.ml.recommendations.shops import grocer


def test_a_file_with_names_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ventas.csv"
    frame = grocer(60, 1).assign(units=1)
    frame.columns = ["cliente", "ticket", "artículo", "fecha", "uds"]
    frame.to_csv(file, index=False)
    main(
        [
            *("--transactions", str(file), "--customer", "cliente", "--product", "artículo"),
            *("--date", "fecha", "--basket", "ticket", "--quantity", "uds"),
        ]
    )
    printed = capsys.readouterr().out
    for name in ("popularity", "personal_frequency", "implicit ALS", "ours (next_basket_ranker)"):
        assert name in printed


def test_what_cannot_be_read_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = ["--customer", "c", "--product", "p", "--date", "d"]
    with pytest.raises(SystemExit):
        main(["--transactions", str(tmp_path / "none.csv"), *columns])
    assert "no such file" in capsys.readouterr().err
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(SystemExit):
        main(["--transactions", str(file), *columns])
    assert "other.csv" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--transactions", str(file)])
    assert "--customer" in capsys.readouterr().err
