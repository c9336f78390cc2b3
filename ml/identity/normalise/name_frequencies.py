"""How likely a text is a given name or a surname, and where one ends and the next begins.

Belongs here: the arithmetic of frequencies. Does not: cleaning or case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from math import inf, log

import pandas as pd

from ml.identity.normalise.name_words import CONJUNCTIONS, FIRST_HALVES, PARTICLES, SMALL_PARTICLES
from ml.identity.normalise.text import fold

# A name that nobody in the statistics bears (they leave out what fewer than twenty bear).
UNKNOWN_BEARERS = 2.0
# Reading on: a given or surname of two words that the statistics don't list as one.
UNLISTED_COMPOUND = log(0.02)
# Borne by one in a hundred thousand: a name that nobody needs to doubt.
COMMON = log(1e-5)
# Most full names are written given name first, and most people have two surnames.
SURNAME_FIRST = log(0.02)
ONE_SURNAME = log(0.1)
MAX_GIVEN_WORDS = 4
# García 0.50, Romano 0.53, Rodrigues 0.61, Brown 0.88, Chen 0.94: the share of those who bear it first.
MAX_FIRST_SHARE = 0.6
# A single letter is nearly always the initial of a given name.
INITIAL_AS_GIVEN, INITIAL_AS_SURNAME = log(1e-3), log(1e-9)
# What a letter with an accent was before a system lost it.
LOST_LETTER = re.compile(r"[?\ufffd]")
LETTERS_LOST = "ñáéíóúç"


class NameFrequencies:
    """Logarithms of the shares of given names and surnames."""

    def __init__(
        self,
        given_names: pd.Series,
        surnames: pd.Series,
        second_surnames: pd.Series | None = None,
    ) -> None:
        self._given = {str(name): float(count) for name, count in given_names.items()}
        self._surnames = {str(name): float(count) for name, count in surnames.items()}
        self._second_surnames: dict[str, float] = {}
        if second_surnames is not None:
            self._second_surnames = {
                str(name): float(count) for name, count in second_surnames.items()
            }
        self._plain_given = _without_enye(self._given)
        self._plain_surnames = _without_enye(self._surnames)
        self._given_total = log(sum(self._given.values()) or 1.0)
        self._surname_total = log(sum(self._surnames.values()) or 1.0)
        self.given = lru_cache(maxsize=200_000)(self._log_given)
        self.surname = lru_cache(maxsize=200_000)(self._log_surname)

    def is_given(self, name: str) -> bool:
        """Return whether the statistics list the given name."""
        return name in self._given or name in self._plain_given

    def is_surname(self, name: str) -> bool:
        """Return whether the statistics list the surname."""
        return name in self._surnames or name in self._plain_surnames

    def has_two_surnames(self, surname: str) -> bool:
        """Return whether who bears a surname (folded) has a second one, as Spain gives them.

        Of a surname that Spain gives, as many bear it second as first. Who comes from where people
        have one surname bears theirs as the first.
        """
        known = surname if surname in self._surnames else surname.split(" ")[0]
        first = self._surnames.get(known, 0.0)
        second = self._second_surnames.get(known, 0.0)
        return second > 0 and first / (first + second) < MAX_FIRST_SHARE

    def _log_given(self, name: str) -> float:
        return _log_share(name, self._given, self._plain_given, self._given_total, True)

    def _log_surname(self, name: str) -> float:
        return _log_share(name, self._surnames, self._plain_surnames, self._surname_total, False)

    def restore_lost_letters(self, text: str) -> str:
        """Return the text with the letters that a system turned into ? where one name only fits."""
        return " ".join(
            self._restored(word) if LOST_LETTER.search(word) else word for word in text.split(" ")
        )

    def _restored(self, word: str) -> str:
        is_upper = word.isupper()
        candidates = {
            LOST_LETTER.sub(letter.upper() if is_upper else letter, word) for letter in LETTERS_LOST
        }
        known = {
            candidate: max(
                self._given.get(fold(candidate), 0.0), self._surnames.get(fold(candidate), 0.0)
            )
            for candidate in sorted(candidates)
        }
        best = max(known, key=lambda candidate: known[candidate])
        return best if known[best] > 0 else word

    def split_surnames(self, units: Sequence[str]) -> tuple[int, float]:
        """Return how many units the first surname has, and how likely the best split is."""
        folded = [fold(unit) for unit in units]
        whole = self.surname(" ".join(folded))
        if len(units) == 1:
            return 1, whole + ONE_SURNAME
        best, most = len(units), whole + ONE_SURNAME
        if len(units) == 2 and folded[0] not in FIRST_HALVES:
            # two words are two surnames, also where some family bears both as one
            most = -inf
        for cut in range(1, len(units)):
            likely = self.surname(" ".join(folded[:cut])) + self.surname(" ".join(folded[cut:]))
            if likely > most:
                best, most = cut, likely
        return best, most

    def split_full_name(self, units: Sequence[str]) -> tuple[list[str], list[str]]:
        """Return the units of the given name and those of the surnames."""
        best: tuple[float, list[str], list[str]] | None = None
        folded = [fold(unit) for unit in units]
        for cut in range(1, min(len(units), MAX_GIVEN_WORDS + 1)):
            ahead = (folded[:cut], list(units[:cut]), list(units[cut:]), 0.0)
            behind = (folded[-cut:], list(units[-cut:]), list(units[:-cut]), SURNAME_FIRST)
            for given, given_units, surname_units, prior in (ahead, behind):
                likely = self.given(" ".join(given)) + self.split_surnames(surname_units)[1] + prior
                if best is None or likely > best[0]:
                    best = (likely, given_units, surname_units)
        if best is None:
            return list(units), []
        return best[1], best[2]

    def is_swapped(self, given: str, surname: str) -> bool:
        """Return whether given name and surname plainly stand in each other's place."""
        given, surname = fold(given), fold(surname)
        likely_given, likely_surname = self.given(given), self.surname(surname)
        if likely_given > COMMON and likely_surname > COMMON:
            return False
        as_written = likely_given + likely_surname
        the_other_way = self.surname(given) + self.given(surname)
        # a thousand times as likely: Martín Alonso may be called so
        return the_other_way - as_written > log(1000)


def _without_enye(counts: dict[str, float]) -> dict[str, float]:
    """Return the names with ñ and ç written as n and c, for files that lost them."""
    plain: dict[str, float] = {}
    for name, count in counts.items():
        if "ñ" in name or "ç" in name:
            key = name.replace("ñ", "n").replace("ç", "c")
            plain[key] = max(plain.get(key, 0.0), count)
    return plain


def _log_share(
    name: str, counts: dict[str, float], plain: dict[str, float], log_total: float, is_given: bool
) -> float:
    """Return the logarithm of the share of people who bear a name; a compound may be unlisted."""
    count = max(counts.get(name, 0.0), plain.get(name, 0.0))
    if count:
        return log(count) - log_total
    if len(name.rstrip(".")) == 1:
        return INITIAL_AS_GIVEN if is_given else INITIAL_AS_SURNAME
    words = [word for word in name.replace("-", " ").split(" ") if word not in PARTICLES]
    # the statistics of given names leave the particles out: María del Carmen is "maria carmen"
    without_particles = counts.get(" ".join(words), 0.0) if is_given else 0.0
    if without_particles:
        return log(without_particles) - log_total
    if len(words) > 1:
        parts = sum(_log_share(word, counts, plain, log_total, is_given) for word in words)
        return parts + UNLISTED_COMPOUND * (len(words) - 1)
    if words and words[0] != name:
        return _log_share(words[0], counts, plain, log_total, is_given)
    return log(UNKNOWN_BEARERS) - log_total


def units_of(words: Sequence[str]) -> list[str]:
    """Join particles to the word that they belong to: de la Fuente is one unit."""
    units: list[str] = []
    pending: list[str] = []
    for word in words:
        low = fold(word).rstrip(".")
        if low in PARTICLES:
            pending.append(word)
            continue
        if pending and fold(pending[0]) in CONJUNCTIONS:
            pending = pending[1:] if units else pending
        units.append(" ".join([*pending, word]))
        pending = []
    if pending:
        if units and fold(pending[0]) in SMALL_PARTICLES:
            # the line was cut off
            units[-1] = " ".join([units[-1], *pending])
        else:
            units.append(" ".join(pending))
    return units
