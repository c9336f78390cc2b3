"""Market data in the layouts of the Spanish statistics institute: income and population.

An edition at the start and one each November, semicolons, points between thousands.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from simulation.delivery import Period, SystemWriter
from simulation.files import TextLayout
from simulation.frames import Slice
from simulation.systems.reference import provinces

SYSTEM: Final = "market"
_LAYOUT: Final = TextLayout(delimiter=";", has_bom=True)
_PUBLICATION_MONTH: Final = 11
_YEARS_PER_EDITION: Final = 3
_INCOME_GROWTH: Final = 0.035
_POPULATION_GROWTH: Final = 0.008
_WOMEN_SHARE: Final = 0.51
_NOT_PUBLISHED: Final = "."


class MarketWriter(SystemWriter):
    """Writes the institute's files."""

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver an edition when one appears; incomes appear two years late, population one."""
        is_publication = period.starts_on.month == _PUBLICATION_MONTH and period.starts_on.day == 1
        if not (period.is_first or is_publication):
            return
        year = period.starts_on.year - (1 if period.starts_on.month >= _PUBLICATION_MONTH else 2)
        self._write_incomes(year)
        self._write_population(year + 1)

    def _write_incomes(self, last_year: int) -> None:
        places = self.desk.market.municipalities
        names = places["municipality_code"] + " " + places["municipality_name"]
        # The market's incomes are those of the last year published at its start.
        base_year = self.desk.config.start.year - 2
        parts = []
        for order, (column, indicator) in enumerate(
            (
                ("income_per_person", "Renta neta media por persona"),
                ("income_per_household", "Renta neta media por hogar"),
            )
        ):
            for year in range(last_year, last_year - _YEARS_PER_EDITION, -1):
                amounts = places[column].to_numpy() * (1 + _INCOME_GROWTH) ** (year - base_year)
                parts.append(
                    pd.DataFrame(
                        {
                            "Municipios": names,
                            "Indicadores de renta media": indicator,
                            "Periodo": year,
                            "Total": _counted(amounts, places["is_published"].to_numpy()),
                            "place": np.arange(len(places)),
                            "order": order,
                        }
                    )
                )
        table = pd.concat(parts).sort_values(
            ["place", "order", "Periodo"], ascending=[True, True, False], kind="stable"
        )
        self._write("municipality_income", f"renta_municipios_{last_year}.csv", table.iloc[:, :4])

    def _write_population(self, year: int) -> None:
        table = provinces()
        names = table["province_code"] + " " + table["province_name"]
        base_year = self.desk.config.start.year - 1
        parts = []
        for period in range(year, year - _YEARS_PER_EDITION, -1):
            people = table["population"].to_numpy() * (1 + _POPULATION_GROWTH) ** (
                period - base_year
            )
            for sex, share in (
                ("Total", 1.0),
                ("Hombres", 1 - _WOMEN_SHARE),
                ("Mujeres", _WOMEN_SHARE),
            ):
                parts.append(
                    pd.DataFrame(
                        {
                            "Provincias": names,
                            "Sexo": sex,
                            "Edad": "Todas las edades",
                            "Periodo": period,
                            "Total": _counted(people * share, np.ones(len(table), dtype=bool)),
                        }
                    )
                )
        self._write("province_population", f"poblacion_provincias_{year}.csv", pd.concat(parts))

    def _write(self, table: str, name: str, frame: pd.DataFrame) -> None:
        self.desk.register(edition=frame)
        self.desk.landing.write_csv(SYSTEM, table, name, "select * from edition", _LAYOUT)


def _counted(amounts: np.ndarray, is_published: np.ndarray) -> list[str]:
    """Write numbers with points between thousands; a point alone says "not published"."""
    return [
        f"{amount:,.0f}".replace(",", ".") if shown else _NOT_PUBLISHED
        for amount, shown in zip(
            np.nan_to_num(amounts).tolist(), is_published.tolist(), strict=True
        )
    ]
