"""Which records are compared at all: candidate pairs from keys that fit the fields and their values.

Belongs here: the keys, how many pairs each would give, and the choice. Does not: putting pairs together
(`blocks`).

No fixed list of rules fits every file. A key is made of each field that can stand alone and of each two
fields; how many pairs it gives is counted, and it is refined by a third field, cut at its biggest blocks,
or left out when it gives too many. A pair needs one key only, so that any one field may be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import duckdb

from ml.identity.linking.features import FeatureSet

# A block of this many records is no evidence any more (a shop's telephone, a placeholder's date).
LARGEST_BLOCK = 300
# Of more records than this only a share of the blocks is counted.
BLOCKS_COUNTED = 100_000
# A key that gives too many pairs is tried with so many third fields, less one.
MOST_TRIED = 4
# A pair remembers its keys in the bits of one number.
MOST_KEYS = 60
# Blocks of a key are kept only while most of its records stay in one.
LEAST_KEPT_SHARE = 0.5


@dataclass(frozen=True)
class Atom:
    """A part of a key.

    Attributes
    ----------
    name : str
        In words.
    field : str
        Name of the comparison whose evidence the key uses up.
    sql : str
        Over the columns of the features; NULL gives no key.
    is_list : bool
        Whether the SQL gives a list, each item of which is a key.
    """

    name: str
    field: str
    sql: str
    is_list: bool = False


TELEPHONE = Atom(
    "telephone", "phone", "list_transform(phones, lambda number: right(number, 7))", is_list=True
)
ADDRESS = Atom("address", "street", "case when street_number <> '' then street_key end")


@dataclass(frozen=True)
class CandidateKey:
    """A key: records that agree in all its atoms are compared."""

    atoms: tuple[Atom, ...]

    @property
    def name(self) -> str:
        """In words."""
        return " + ".join(atom.name for atom in self.atoms)

    @property
    def fields(self) -> frozenset[str]:
        """Comparisons that say nothing new of a pair that this key found."""
        return frozenset(atom.field for atom in self.atoms)

    @property
    def is_list(self) -> bool:
        """Whether a record may have the key several times."""
        return any(atom.is_list for atom in self.atoms)

    @property
    def hash_sql(self) -> str:
        """SQL of the key as a number, or of a list of numbers; NULL when a part is missing."""
        plain = [atom.sql for atom in self.atoms if not atom.is_list]
        whole = " and ".join(f"({sql}) is not null" for sql in plain) or "true"
        if not self.is_list:
            return f"case when {whole} then hash({', '.join(plain)}) end"
        # of two lists in a key each item is put together with each: none is proposed so far
        (items,) = (atom.sql for atom in self.atoms if atom.is_list)
        hashed = f"hash({', '.join([*plain, 'item'])})"
        return f"case when {whole} then list_distinct(list_transform({items}, lambda item: {hashed})) end"


@dataclass(frozen=True)
class ChosenKey:
    """A key with what it gives.

    Attributes
    ----------
    key : CandidateKey
        The key.
    largest_block : int
        Blocks with more records than this are left out.
    pairs : int
        Pairs that it gives, those of other keys among them.
    """

    key: CandidateKey
    largest_block: int
    pairs: int


def _singles(features: FeatureSet) -> list[Atom]:
    """Return the atoms that may stand alone."""
    atoms = []
    for name in ("national_id", "loyalty_card", "email"):
        if features.has(name):
            atoms.append(Atom(name.replace("_", " "), name, name))
    if features.has("phones"):
        atoms.append(TELEPHONE)
    if features.has("email_local"):
        atoms.append(Atom("e-mail name", "email", "email_local"))
    if features.has("birth"):
        atoms.append(Atom("birth date", "birth_date", "birth"))
    if features.has("name"):
        atoms.append(Atom("name", "name", "name"))
    if features.has("street"):
        atoms.append(ADDRESS)
    return atoms


def _pair_atoms(features: FeatureSet) -> list[Atom]:
    """Return the atoms that are put together by two and three."""
    atoms = []
    if features.has("given"):
        atoms.append(Atom("given name", "given_name", "given_skeleton"))
    if features.has("surname"):
        atoms.append(Atom("surname", "surname", "surname_skeleton"))
    if features.has("name"):
        atoms.append(
            Atom(
                "word of the name",
                "name",
                "list_transform(list_filter(name_words, lambda word: length(word) >= 3), "
                "lambda word: left(word, 5))",
                is_list=True,
            )
        )
    if features.has("birth"):
        atoms.append(Atom("birth date", "birth_date", "birth"))
        atoms.append(Atom("birth year", "birth_date", "birth_year"))
        atoms.append(
            Atom(
                "birth day and month",
                "birth_date",
                "case when length(birth) = 8 then least(birth[5:6], birth[7:8]) "
                "|| greatest(birth[5:6], birth[7:8]) end",
            )
        )
    if features.has("postal"):
        atoms.append(Atom("postal code", "place", "postal"))
    elif features.has("city"):
        atoms.append(Atom("city", "place", "left(city, 6)"))
    if features.has("postal"):
        atoms.append(Atom("postal area", "place", "postal_area"))
    if features.has("street"):
        atoms.append(ADDRESS)
        atoms.append(Atom("street", "street", "left(street_words, 6)"))
    if features.has("phones"):
        atoms.append(TELEPHONE)
    for name in features.others:
        atoms.append(Atom(f"{features.others[name]} ({name})", name, name))
    return atoms


def propose_keys(features: FeatureSet) -> list[list[CandidateKey]]:
    """Return groups of keys; of a group the first that gives not too many pairs is taken."""
    groups = [[CandidateKey((atom,))] for atom in _singles(features)]
    if features.has("given", "surname"):
        turned = "least(given_skeleton, {0}) || ' ' || greatest(given_skeleton, {0})"
        for name, surname in (
            ("names in any order", "surname_skeleton"),
            ("given name and last surname", "surname_last_skeleton"),
        ):
            both = (
                Atom(name, "given_name", turned.format(surname)),
                Atom(name, "surname", "'surname'"),
            )
            refinements = [
                CandidateKey((*both, atom))
                for atom in _pair_atoms(features)
                if atom.field not in ("given_name", "surname")
            ]
            groups.append([CandidateKey(both), *refinements])
    atoms = _pair_atoms(features)
    for pair in combinations(atoms, 2):
        if pair[0].field == pair[1].field or sum(atom.is_list for atom in pair) > 1:
            continue
        if {pair[0].field, pair[1].field} == {"given_name", "surname"}:
            continue
        refined = [
            CandidateKey(tuple(sorted((*pair, atom), key=atoms.index)))
            for atom in atoms
            if atom.field not in (pair[0].field, pair[1].field)
            and sum(part.is_list for part in (*pair, atom)) <= 1
        ]
        groups.append([CandidateKey(pair), *refined])
    return groups


def key_select(key: CandidateKey, table: str, where: str = "true") -> str:
    """Return a select of record_number and key_hash."""
    return hash_select(key, key.hash_sql, table, where)


def hash_select(key: CandidateKey, hashed: str, table: str, where: str = "true") -> str:
    """Return a select of record_number and key_hash, given the SQL of its `hash_sql` over the table."""
    hashed = f"unnest({hashed})" if key.is_list else hashed
    return (
        f"select record_number, key_hash from (select record_number, "
        f"{hashed} as key_hash from {table}) where key_hash is not null and {where}"
    )


def measure_key(
    connection: duckdb.DuckDBPyConnection,
    key: CandidateKey,
    table: str,
    most_pairs: int,
    sampled_blocks: int,
) -> ChosenKey | None:
    """Return the key with the largest blocks that it can afford; None when that leaves too little.

    Parameters
    ----------
    sampled_blocks : int
        Of so many blocks one is counted.
    """
    sizes = connection.execute(
        f"""select size, count(*) as blocks from (
            select count(*) as size
            from ({key_select(key, table, f"key_hash % {sampled_blocks} = 0")}) group by key_hash)
        where size > 1 group by size order by size"""
    ).fetchall()
    held = sum(size * blocks for size, blocks in sizes)
    pairs, kept, largest = 0, 0, 0
    for size, blocks in sizes:
        more = sampled_blocks * blocks * size * (size - 1) // 2
        if size > LARGEST_BLOCK or pairs + more > most_pairs:
            break
        pairs, kept, largest = pairs + more, kept + size * blocks, size
    if not pairs or kept < LEAST_KEPT_SHARE * held:
        return None
    return ChosenKey(key, largest, pairs)


def choose_keys(
    connection: duckdb.DuckDBPyConnection, table: str, features: FeatureSet, records: int
) -> list[ChosenKey]:
    """Return the keys that this file's fields and values afford, those with the fewest pairs first.

    Parameters
    ----------
    table : str
        The features, `build_features`.
    records : int
        How many.
    """
    most_pairs = pairs_budget(records)
    chosen: dict[str, ChosenKey] = {}
    for group in propose_keys(features):
        for key in group[:MOST_TRIED]:
            measured = measure_key(
                connection, key, table, most_pairs // 4, max(1, records // BLOCKS_COUNTED)
            )
            if measured is not None:
                chosen.setdefault(key.name, measured)
                break
    taken: list[ChosenKey] = []
    total = 0
    for measured in sorted(chosen.values(), key=lambda item: (item.pairs, item.key.name)):
        if total + measured.pairs > most_pairs or len(taken) == MOST_KEYS:
            break
        taken.append(measured)
        total += measured.pairs
    return taken


def pairs_budget(records: int) -> int:
    """Return how many candidate pairs so many records may have: fewer a record the more records."""
    return min(200 * records, max(12 * records, 4_000_000))
