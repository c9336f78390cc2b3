"""People as one system holds them: its columns, filled from the truth and hit by its faults.

Belongs here: which record is hit, and the delivered and the true value of every hit. Does not: what a
fault does to a value (`faults`) nor when a system delivers a record (`systems`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation import faults
from simulation.draws import hashed, uniform
from simulation.faults import PersonFaultRates, ValueFault

Objects = NDArray[np.object_]
Ids = NDArray[np.int64]

NAME_PARTS = ("given_name", "surname_1", "surname_2")


@dataclass(frozen=True)
class PersonColumn:
    """A column of a system's customer record and the parts of a person it is made of.

    Parameters
    ----------
    name
        The column as delivered.
    parts
        Parts of a person (see `PersonRecords`), joined by ``glue``, absent ones left out.
    glue
        What stands between the parts.
    """

    name: str
    parts: tuple[str, ...]
    glue: str = " "


@dataclass(frozen=True)
class PersonLayout:
    """How a system holds people.

    Parameters
    ----------
    system
        Its name: part of every draw, so that systems err independently of each other.
    columns
        The columns made of parts of a person.
    coverage
        Share of records in which a part is filled at all; 1 where not named.
    date_format
        Of birth dates.
    """

    system: str
    columns: tuple[PersonColumn, ...]
    coverage: Mapping[str, float] = field(default_factory=dict)
    date_format: str = "%d/%m/%Y"


@dataclass(frozen=True)
class DeliveredPeople:
    """The records of some people, and what is wrong with them.

    Parameters
    ----------
    columns
        One row a record, in the order asked for; absent values are None.
    hits
        One row a fault: row (position of the record), field, fault_kind, true_value, delivered_value.
    """

    columns: pd.DataFrame
    hits: pd.DataFrame


class PersonRecords:
    """The people of a market as one system holds them.

    Parts: given_name, surname_1, surname_2, national_id, email, mobile, landline, street (type, name
    and number), dwelling (staircase, floor and door), postal_code, municipality_name, province_code,
    province_name, birth_date.

    Parameters
    ----------
    people
        The market's people, row position = person_id.
    layout
        The system's columns.
    rates
        Its fault rates.
    seed
        The market's seed.
    """

    def __init__(
        self, people: pd.DataFrame, layout: PersonLayout, rates: PersonFaultRates, seed: int
    ) -> None:
        self.people = people
        self.layout = layout
        self.rates = rates
        self.seed = seed

    def deliver(
        self,
        person_ids: Ids,
        as_of: np.datetime64,
        *,
        known_since: NDArray[np.datetime64] | None = None,
        record_ids: Ids | None = None,
    ) -> DeliveredPeople:
        """Return the records of people as they stand at a time.

        Parameters
        ----------
        person_ids
            Whose records; a person may occur more than once.
        as_of
            Moves and new e-mails before it are known, if the person told the system.
        known_since
            When the system took down each record; a move before it can't be missed.
        record_ids
            What the draws depend on where a person is taken down anew each time (a call, a form);
            default: the person.
        """
        work = _Work(
            person_ids,
            person_ids if record_ids is None else record_ids,
            self.seed,
            self.layout.system,
        )
        self._fill(work, as_of, known_since)
        truth = {part: values.copy() for part, values in work.parts.items()}
        for part, hits in work.given:
            truth[part][hits] = work.true_given[part][hits]
        _apply(work, self.rates, self._household_contacts)
        columns = {
            column.name: joined([work.parts[part] for part in column.parts], column.glue)
            for column in self.layout.columns
        }
        return DeliveredPeople(pd.DataFrame(columns), self._hits(work, truth, columns))

    def _fill(
        self, work: _Work, as_of: np.datetime64, known_since: NDArray[np.datetime64] | None
    ) -> None:
        """Take the parts as the system would hold them without faults, but for missed moves."""
        subset = self.people.iloc[work.person_ids]
        moved = subset["moved_on"].to_numpy() <= as_of
        missed = moved & (work.uniform(faults.MOVED_ADDRESS) < self.rates.moved_address)
        if known_since is None:
            missed[:] = False
        else:
            missed &= subset["moved_on"].to_numpy() > known_since
        new_email = subset["email_changed_on"].to_numpy() <= as_of
        birth_dates = subset["birth_date"].dt.strftime(self.layout.date_format)
        current, former = address_parts(subset, moved), address_parts(subset, moved & ~missed)
        emails = objects(subset["email"])
        emails[new_email] = objects(subset["next_email"])[new_email]
        parts = {
            **{
                part: objects(subset[part])
                for part in (*NAME_PARTS, "national_id", "mobile", "landline")
            },
            "email": emails,
            "birth_date": birth_dates.to_numpy(dtype=object),
            **former,
        }
        for part, share in self.layout.coverage.items():
            blank = work.uniform("coverage", part) >= share
            parts[part][blank] = None
            if part == "street":
                parts["dwelling"][blank] = None
        work.parts = parts
        for part in ("street", "postal_code"):
            differs = np.flatnonzero(
                missed & (current[part] != former[part]) & _present(parts[part])
            )
            work.give(faults.MOVED_ADDRESS, part, differs, current[part])
        nobody = np.full(len(subset), None, dtype=object)
        for kind, part, flag in (
            (faults.SHARED_EMAIL, "email", subset["is_email_shared"].to_numpy() & ~new_email),
            (faults.SHARED_PHONE, "mobile", subset["is_mobile_shared"].to_numpy()),
        ):
            work.give(kind, part, np.flatnonzero(flag & _present(parts[part])), nobody)

    @cached_property
    def _household_contacts(self) -> Mapping[str, Objects]:
        """Return, a person, the e-mail and mobile of the first of the household to have one.

        Absent where that is the person itself.
        """
        households = self.people["household_id"].to_numpy()
        starts = np.flatnonzero(np.r_[True, households[1:] != households[:-1]])
        sizes = np.diff(np.r_[starts, len(households)])
        contacts = {}
        for part in ("email", "mobile"):
            values = objects(self.people[part])
            order = np.where(_present(values), np.arange(len(values)), len(values))
            first = np.repeat(np.minimum.reduceat(order, starts), sizes)
            lender = np.where(first == np.arange(len(values)), len(values), first)
            contacts[part] = with_absent(values)[lender]
        return contacts

    def _hits(
        self, work: _Work, truth: Mapping[str, Objects], columns: Mapping[str, Objects]
    ) -> pd.DataFrame:
        """Tell the hits by delivered column, each with the column's true and delivered text."""
        frames = []
        for column in self.layout.columns:
            rows = [
                (kind, hit) for kind, part, hit in work.hits if part in column.parts and len(hit)
            ]
            if not rows:
                continue
            true_values = joined([truth[part] for part in column.parts], column.glue)
            frame = pd.DataFrame(
                {
                    "row": np.concatenate([hit for _, hit in rows]),
                    "fault_kind": np.repeat(
                        [kind for kind, _ in rows], [len(hit) for _, hit in rows]
                    ),
                }
            ).drop_duplicates()
            positions = frame["row"].to_numpy()
            frame["field"] = column.name
            frame["true_value"] = true_values[positions]
            frame["delivered_value"] = columns[column.name][positions]
            frames.append(frame[frame["true_value"] != frame["delivered_value"]])
        if not frames:
            return pd.DataFrame(
                columns=["row", "fault_kind", "field", "true_value", "delivered_value"]
            )
        return pd.concat(frames, ignore_index=True)


class _Work:
    """The parts of some records on their way from true to delivered."""

    def __init__(self, person_ids: Ids, record_ids: Ids, seed: int, system: str) -> None:
        self.person_ids = person_ids
        self.record_ids = record_ids
        self.seed = seed
        self.system = system
        self.parts: dict[str, Objects] = {}
        self.hits: list[tuple[str, str, NDArray[np.intp]]] = []
        self.given: list[tuple[str, NDArray[np.intp]]] = []
        self.true_given: dict[str, Objects] = {}

    def uniform(self, *labels: str) -> NDArray[np.float64]:
        return uniform(self.record_ids, self.seed, self.system, *labels)

    def give(self, kind: str, part: str, rows: NDArray[np.intp], true_values: Objects) -> None:
        """Note a fault that the parts came with: what they should have been is told."""
        self.hits.append((kind, part, rows))
        self.given.append((part, rows))
        known = self.true_given.setdefault(part, np.full(len(self.person_ids), None, dtype=object))
        known[rows] = true_values[rows]

    def drawn(
        self, kind: str, label: str, rate: float, among: NDArray[np.bool_]
    ) -> NDArray[np.intp]:
        """Return the rows a fault hits."""
        if rate <= 0:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(among & (self.uniform(kind, label) < rate))

    def spoil(
        self,
        kind: str,
        part: str,
        rate: float,
        fault: ValueFault,
        *,
        among: NDArray[np.bool_] | None = None,
    ) -> None:
        """Apply a fault to a part of the records it hits; those it leaves as they are don't count."""
        values = self.parts[part]
        rows = self.drawn(kind, part, rate, _present(values) if among is None else among)
        if not len(rows):
            return
        bits = hashed(self.record_ids[rows], self.seed, self.system, kind, part, "how").tolist()
        before = values[rows]
        values[rows] = [
            fault(value or "", number) for value, number in zip(before.tolist(), bits, strict=True)
        ]
        self.hits.append((kind, part, rows[values[rows] != before]))


def _apply(work: _Work, rates: PersonFaultRates, household_contacts: Mapping[str, Objects]) -> None:
    _spoil_contacts(work, rates, household_contacts)
    _spoil_names(work, rates)
    spoil = work.spoil
    spoil(
        faults.NATIONAL_ID_WRONG_LETTER,
        "national_id",
        rates.national_id_wrong_letter,
        faults.with_wrong_letter,
    )
    spoil(
        faults.NATIONAL_ID_MISSING_ZERO,
        "national_id",
        rates.national_id_missing_zero,
        faults.without_leading_zeros,
    )
    spoil(
        faults.NATIONAL_ID_FORMAT,
        "national_id",
        rates.national_id_format,
        faults.with_national_id_format,
    )
    spoil(
        faults.POSTAL_LEADING_ZERO,
        "postal_code",
        rates.postal_leading_zero,
        faults.without_leading_zeros,
    )
    spoil(
        faults.ADDRESS_ABBREVIATION, "street", rates.address_abbreviation, faults.with_abbreviations
    )
    spoil(
        faults.DATE_DAY_MONTH, "birth_date", rates.date_day_month, faults.with_day_and_month_swapped
    )
    spoil(faults.IMPOSSIBLE_DATE, "birth_date", rates.impossible_date, faults.impossible_date)


def _spoil_contacts(
    work: _Work, rates: PersonFaultRates, household_contacts: Mapping[str, Objects]
) -> None:
    for kind, part, rate in (
        (faults.SHARED_EMAIL, "email", rates.shared_email),
        (faults.SHARED_PHONE, "mobile", rates.shared_phone),
    ):
        lent = household_contacts[part][work.person_ids] if rate > 0 else work.parts[part]
        rows = work.drawn(kind, part, rate, _present(work.parts[part]) & _present(lent))
        rows = rows[work.parts[part][rows] != lent[rows]]
        work.parts[part][rows] = lent[rows]
        work.hits.append((kind, part, rows))
    spoil = work.spoil
    everybody = np.ones(len(work.person_ids), dtype=bool)
    spoil(faults.GMAIL_DOTS, "email", rates.gmail_dots, faults.with_gmail_dots)
    spoil(faults.EMAIL_CASE, "email", rates.email_case, faults.with_email_case)
    spoil(faults.INVALID_EMAIL, "email", rates.invalid_email, faults.invalid_email)
    spoil(
        faults.PLACEHOLDER_EMAIL,
        "email",
        rates.placeholder_email,
        faults.placeholder_email,
        among=everybody,
    )
    spoil(faults.INVALID_PHONE, "mobile", rates.invalid_phone, faults.invalid_phone)
    for part in ("mobile", "landline"):
        well_formed = np.array(
            [value is not None and len(value) == 9 for value in work.parts[part]]
        )
        spoil(
            faults.PHONE_FORMAT,
            part,
            rates.phone_format,
            faults.with_phone_format,
            among=well_formed,
        )
    spoil(
        faults.PLACEHOLDER_PHONE,
        "mobile",
        rates.placeholder_phone,
        faults.placeholder_phone,
        among=everybody,
    )


def _spoil_names(work: _Work, rates: PersonFaultRates) -> None:
    parts, spoil = work.parts, work.spoil
    both = _present(parts["surname_1"]) & _present(parts["surname_2"])
    rows = work.drawn(faults.MISSING_SURNAME_2, "surname_2", rates.missing_surname_2, both)
    parts["surname_2"][rows] = None
    work.hits.append((faults.MISSING_SURNAME_2, "surname_2", rows))
    both[rows] = False
    rows = work.drawn(faults.SWAPPED_SURNAMES, "surname_1", rates.swapped_surnames, both)
    first, second = parts["surname_1"][rows], parts["surname_2"][rows]
    parts["surname_1"][rows], parts["surname_2"][rows] = second, first
    for part in ("surname_1", "surname_2"):
        work.hits.append((faults.SWAPPED_SURNAMES, part, rows))
    spoil(faults.NICKNAME, "given_name", rates.nickname, faults.with_nickname)
    for part in NAME_PARTS:
        spoil(faults.TYPO, part, rates.typo / len(NAME_PARTS), faults.with_typo)
    _spoil_whole_names(work, faults.MISSING_ACCENTS, rates.missing_accents, faults.without_accents)
    _spoil_whole_names(work, faults.UPPER_CASE, rates.upper_case, str.upper)
    for part in NAME_PARTS:
        spoil(faults.MOJIBAKE, part, rates.mojibake, faults.with_mojibake)
    rows = work.drawn(
        faults.NAMES_IN_ONE_FIELD,
        "given_name",
        rates.names_in_one_field,
        _present(parts["surname_1"]),
    )
    whole = joined([parts[part][rows] for part in NAME_PARTS], " ")
    parts["given_name"][rows], parts["surname_1"][rows], parts["surname_2"][rows] = (
        whole,
        None,
        None,
    )
    for part in NAME_PARTS[:2]:
        work.hits.append((faults.NAMES_IN_ONE_FIELD, part, rows))


def _spoil_whole_names(work: _Work, kind: str, rate: float, change: Callable[[str], str]) -> None:
    """Apply a way of writing to all names of a record alike."""
    rows = work.drawn(kind, "name", rate, np.ones(len(work.person_ids), dtype=bool))
    for part in NAME_PARTS:
        before = work.parts[part][rows]
        after = np.empty(len(rows), dtype=object)
        after[:] = [None if value is None else change(value) for value in before.tolist()]
        work.parts[part][rows] = after
        work.hits.append((kind, part, rows[after != before]))


def address_parts(
    places: pd.DataFrame, is_next: NDArray[np.bool_] | None = None
) -> dict[str, Objects]:
    """Return street, dwelling, postal code, municipality and province; the next ones where told."""

    def pick(name: str) -> Objects:
        values = objects(places[name])
        if is_next is not None and is_next.any():
            values[is_next] = objects(places[f"next_{name}"][is_next])
        return values

    street = joined(
        [joined([pick("street_type"), pick("street_name")], " "), pick("street_number")], ", "
    )
    staircase = pick("staircase")
    has_staircase = _present(staircase)
    staircase[has_staircase] = [f"Esc. {value}" for value in staircase[has_staircase]]
    return {
        "street": street,
        "dwelling": joined([staircase, joined([pick("floor"), pick("door")], " ")], ", "),
        **{
            name: pick(name)
            for name in ("postal_code", "municipality_name", "province_code", "province_name")
        },
    }


def joined(columns: Sequence[Objects], glue: str) -> Objects:
    """Join texts row by row, leaving out absent ones; a row of absent ones is absent."""
    if len(columns) == 1:
        return columns[0]
    texts = np.empty(len(columns[0]), dtype=object)
    texts[:] = [
        glue.join(present) if (present := [value for value in row if value is not None]) else None
        for row in zip(*(column.tolist() for column in columns), strict=True)
    ]
    return texts


def _present(values: Objects) -> NDArray[np.bool_]:
    present: NDArray[np.bool_] = values != None  # noqa: E711 - element by element
    return present.astype(bool)


def objects(series: pd.Series[Any]) -> Objects:
    """Return a column's texts as Python objects, absent ones as None."""
    texts: Objects
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy()
        texts = with_absent(series.cat.categories.to_numpy(dtype=object))[codes]
    else:
        texts = series.astype(object).to_numpy(copy=True)
        texts[series.isna().to_numpy()] = None
    return texts


def with_absent(values: Objects) -> Objects:
    """Return values with None at the end, so that position -1 is the absent one."""
    extended: Objects = np.concatenate([values, np.array([None], dtype=object)])
    return extended
