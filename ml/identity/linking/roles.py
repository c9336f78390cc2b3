"""Which column of a file plays which role in telling people apart.

Belongs here: the roles and what is known of each before any data is seen. Does not: how a role's text is
prepared (`features`) or compared (`comparisons`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Every role is optional; several columns of one role are read together (a phone and a mobile phone, the
# parts of an address); each column of `other` is a field of its own.
ROLES = (
    "given_name",
    "surname",
    "full_name",
    "birth_date",
    "national_id",
    "loyalty_card",
    "email",
    "phone",
    "street",
    "city",
    "postal_code",
    "province",
    "gender",
    "other",
)


class LinkingError(ValueError):
    """The records or their roles cannot be resolved; the text says which and what to do."""


@dataclass(frozen=True)
class RecordFields:
    """The columns of a records relation by role.

    Attributes
    ----------
    columns : dict of str to tuple of str
        Role to the columns that fill it, in the order in which they are read.
    given_name_root : str or None
        Column with the full form of the given name (Paco is Francisco), when the source has it.
    is_day_first : bool or None
        Whether 03/04/1970 is the third of April; None lets the data decide.
    """

    columns: Mapping[str, tuple[str, ...]]
    given_name_root: str | None = None
    is_day_first: bool | None = None

    @classmethod
    def of(
        cls, columns: Mapping[str, str | Sequence[str]], **more: str | bool | None
    ) -> RecordFields:
        """Return the fields of a mapping role to column or columns.

        Raises
        ------
        LinkingError
            When a role is unknown, or none is given.
        """
        unknown = sorted(set(columns) - set(ROLES))
        if unknown:
            raise LinkingError(
                f"Unknown role(s) {', '.join(unknown)}; the roles are {', '.join(ROLES)}."
            )
        filled = {
            role: (names,) if isinstance(names, str) else tuple(names)
            for role, names in columns.items()
            if names
        }
        if not filled:
            raise LinkingError("No column plays a role: map at least one, such as full_name=name.")
        return cls(columns=filled, **more)  # type: ignore[arg-type]

    def of_role(self, role: str) -> tuple[str, ...]:
        """Return the columns of a role, none when it is not filled."""
        return self.columns.get(role, ())

    @property
    def all_columns(self) -> list[str]:
        """Every column read, once."""
        names = [name for columns in self.columns.values() for name in columns]
        if self.given_name_root is not None:
            names.append(self.given_name_root)
        return list(dict.fromkeys(names))
