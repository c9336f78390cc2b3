"""Street lines taken apart: type, name, number, block, staircase, floor, door.

Belongs here: the grammar of an address line. Does not: its vocabulary (`street_words`) or its place
(`places`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from ml.identity.normalise import street_words as words
from ml.identity.normalise.places import PARTICLES, proper_place
from ml.identity.normalise.text import WITHOUT_ACCENT, by_distinct, clean, fold, is_empty

COLUMNS = {
    "street": "object",
    "street_type": "object",
    "street_name": "object",
    "street_number": "object",
    "block": "object",
    "staircase": "object",
    "floor": "object",
    "door": "object",
    "address_rest": "object",
    "is_address_parsed": "boolean",
    "address_issue": "object",
}
Parsed = tuple[str | bool | None, ...]


def _pattern(vocabulary: dict[str, str] | str) -> str:
    """Return the words as alternatives, the longest first, so that none hides another."""
    texts = vocabulary if isinstance(vocabulary, str) else " ".join(vocabulary.values())
    ordered = sorted(texts.split(), key=len, reverse=True)
    return "|".join(word.replace("_", r"(?:\.\s?|\s|/\s?)") for word in ordered)


def _meanings(vocabulary: dict[str, str]) -> dict[str, str]:
    return {
        word.replace("_", ""): meaning
        for meaning, written in vocabulary.items()
        for word in written.split()
    }


def _bare(word: str) -> str:
    return re.sub(r"[\s./\\]", "", word)


TYPE_MEANINGS = _meanings(words.STREET_TYPES) | {"r": "Calle"}
FLOOR_MEANINGS = _meanings(words.FLOORS)
DOOR_MEANINGS = _meanings(words.DOORS)
BLOCK_MEANINGS = _meanings(words.BLOCKS)
BLOCK, SIDE = _pattern(words.BLOCKS), _pattern(words.DOORS)
ORDINAL = r"(?:\.?\s?[ºª°]\.?|er\b\.?|[oa]\b\.?|\.[oa]\b|(?:r|n|t)\b(?=[\s,.-]+\S))"
LABEL = r"(?:(?:n\s?\.?\s?[ºª°]|numero|num|nro|n)[.:]?\s*)"
TYPE = re.compile(
    rf"(?:(?P<type>{_pattern(words.STREET_TYPES)})(?:\s*[./\\]+\s*|\s+)|(?P<rua>r)\s?/\s*)(?=[^\s\d,]|\d)"
)
WITHOUT_NUMBER = re.compile(
    r"(?:\s*,\s*|\s+)(?:s\s?/\s?n|s\s?\.\s?n|sin (?:numero|num|n)|sn)(?:\b|(?=[ºª°.]))[ºª°.]*"
)
KILOMETRE = re.compile(
    r"(?:\s*,\s*|\s+)(?:km|kilometro|quilometro|pk|p\.k|k\.m)\.?\s*(?P<km>\d{1,4}(?:[.,]\d{1,3})?)(?!\d)"
)
NUMBER = re.compile(
    rf"(?P<lead>\s*,\s*{LABEL}?|\s+{LABEL}|\s+)(?P<number>\d{{1,4}})(?!\d|\s?[ºª°]|[oa]\b|er\b)"
    r"(?:\s?[-/]\s?(?P<second>\d{1,4})(?!\d|\s?[ºª°]|[a-z]))?"
    r"(?:\s?(?P<bis>bis|duplicado|dup|tris)\b\.?|(?P<joint>\s?-?\s?)(?P<letter>[a-z])(?=$|\s*[,;.]|\s+\d|\s+(?:esc|portal|piso)))?"
    r"(?=$|[^\wºª°])"
)
NUMBER_FIRST = re.compile(r"(?P<number>\d{1,4})\s*,?\s+")
IN_NAME = re.compile(r"\s*(?:de|d'|do|del)\s+[a-zñç]{3,}")
ROAD = re.compile(r"(?:[a-z]{1,3}[\s-]?\d{1,4}|[a-z]{1,2}-[ivx]{1,4}|nacional\s+\d{1,4})\b")
DETAIL_BEFORE = re.compile(
    rf"(?<!\w)(?:{BLOCK}|{_pattern(words.STAIRCASES)}|{_pattern(words.DOOR_LABELS)}"
    rf"|{_pattern(words.FLOOR_LABELS)})\.?\s*$"
)
BLOCK_IN_NAME = re.compile(
    rf"[,\s]+(?:(?:{BLOCK})\b\.?\s*{LABEL}?(?:[a-z]?\d{{1,4}}[a-z]?\b|[a-z]\b(?![.']))"
    rf"|(?:{_pattern(words.STAIRCASES)})\b\.?\s*(?:\d|[a-z]\b)|\d{{1,2}}\s?[ºª°])"
)
DETAIL = re.compile(
    rf"(?P<block>{BLOCK})\b\.?\s*{LABEL}?(?P<block_name>[a-z]?\d{{1,4}}[a-z]?\b|[a-z]\b)"
    rf"|(?:{_pattern(words.STAIRCASES)})\b\.?\s*{LABEL}?"
    rf"(?P<stair>(?:{SIDE})\b|[a-z]\b|\d{{1,2}})[.ºª°]*"
    rf"|(?:{_pattern(words.DOOR_LABELS)})\b\.?\s*{LABEL}?"
    rf"(?P<door>(?:{SIDE})\b|\d{{1,3}}[a-z]?\b|[a-z]\d{{0,2}}\b)[.ºª°]*"
    rf"|(?:{_pattern(words.FLOOR_LABELS)})\b\.?\s*{LABEL}?(?P<labelled>\d{{1,2}})(?!\d)(?:{ORDINAL})?"
    rf"|(?P<floor>{_pattern(words.FLOORS)})(?:\b|(?<=[ºª]))\.?"
    rf"|(?P<spelt>{'|'.join(words.FLOOR_WORDS)})\b(?:\s+(?:piso|planta)\b)?"
    rf"|(?P<ordinal>\d{{1,2}}){ORDINAL}(?:\s*(?:piso|planta|plta)\b\.?)?"
    r"|(?P<plain>\d{1,3})(?:\s?(?P<plain_letter>[a-z])\b)?(?!\d)"
    rf"|(?P<side>{SIDE})\b\.?"
    r"|(?P<letter>[a-z])\b\.?"
)
KEPT = str.maketrans("", "", "ñçºª°")
BETWEEN = re.compile(r"[\s,;.\-/ºª°()]+")
WORD = re.compile(r"[^\s,;]+")
PLAIN_NAME = re.compile(r"[^\W\d_]+(?:[ '-][^\W\d_]+)*")
PLAIN_NUMBER = re.compile(r"\d{1,4}|s/n")
PLAIN_PART = re.compile(r"\d{1,2}|[A-Z]|[a-z]{6,}|[A-ZÁ][a-zóá]{3,}")


@dataclass
class Address:
    """The parts of a street line while they are found."""

    street_type: str | None = None
    name: str | None = None
    number: str | None = None
    block: str | None = None
    staircase: str | None = None
    floor: str | None = None
    door: str | None = None
    rest: str | None = None


def normalise_addresses(values: pd.Series) -> pd.DataFrame:
    """Take street lines apart.

    Returns
    -------
    pandas.DataFrame
        ``street`` (one line, as it is written on an envelope), ``street_type`` (in Spanish),
        ``street_name``, ``street_number`` (12, 12-14, 12 bis, s/n, km 3,5), ``block``, ``staircase``,
        ``floor``, ``door``, ``address_rest``, ``is_address_parsed`` (name and number, or plot, were
        found) and ``address_issue``: no_street_number, no_street_name, unparsed_rest, unparsed_address.
    """
    return by_distinct(values, _normalise, COLUMNS)


def _normalise(text: str) -> Parsed:
    written = clean(text)
    if is_empty(written):
        return (None,) * 11
    address = parse(written)
    line = format_address(address)
    if not _is_plain(address) and (is_empty(line) or clean(line) != line or parse(line) != address):
        # what would read otherwise when written out again is better left as it was delivered
        return written, None, None, *(None,) * 5, None, False, "unparsed_address"
    issue = None
    if address.name is None:
        issue = "no_street_name"
    elif address.number is None and address.block is None:
        issue = "no_street_number"
    elif address.rest:
        issue = "unparsed_rest"
    # in an industrial or housing estate the plot stands for the number
    is_parsed = address.name is not None and (address.number or address.block) is not None
    return (
        line, address.street_type, address.name, address.number, address.block, address.staircase,
        address.floor, address.door, address.rest, is_parsed, issue,
    )  # fmt: skip


def parse(written: str) -> Address:
    """Take a cleaned street line apart."""
    low = _low(written)
    turned = NUMBER_FIRST.match(low)
    if turned and TYPE.match(low, turned.end()):
        written = f"{written[turned.end() :]}, {turned['number']}"
        low = _low(written)
    address = Address()
    start = 0
    kind = TYPE.match(low)
    if kind:
        address.street_type = TYPE_MEANINGS[_bare(kind["type"] or kind["rua"])]
        start = kind.end()
    name_end, details_at, address.number = _find_number(low, start)
    block = BLOCK_IN_NAME.search(low, start, name_end)
    if block and _ends_name(low[start : block.start()]):
        _read_details(low[:name_end], block.start(), address, written)
        name_end = block.start()
    _read_details(low, details_at, address, written)
    _read_name(written[start:name_end], address)
    return address


def _low(written: str) -> str:
    """Return the text folded, letter by letter, so that positions stay the same."""
    lowered = written.lower()
    if lowered.isascii():
        return lowered
    folded = lowered.translate(WITHOUT_ACCENT)
    if len(folded) == len(written) and folded.translate(KEPT).isascii():
        return folded
    return "".join(
        character if character in "ºª°" or len(folded := fold(character)) != 1 else folded
        for character in (written if len(lowered) != len(written) else lowered)
    )


def _find_number(low: str, start: int) -> tuple[int, int, str | None]:
    """Return where the name ends, where the details begin, and the number of the house."""
    kilometre = KILOMETRE.search(low, start)
    if kilometre and kilometre.start() > start:
        return kilometre.start(), kilometre.end(), f"km {kilometre['km'].replace('.', ',')}"
    without = WITHOUT_NUMBER.search(low, start)
    road = ROAD.match(low, start)
    position = road.end() if road else start
    for found in NUMBER.finditer(low, position):
        if without and without.start() < found.start():
            break
        if (
            found.start() <= start
            or IN_NAME.match(low, found.end("number"))
            or _is_labelled(low, start, found.start("number"))
        ):
            continue
        return found.start(), *_read_number(found)
    if without and without.start() > start:
        return without.start(), without.end(), "s/n"
    return len(low), len(low), None


def _is_labelled(low: str, start: int, position: int) -> bool:
    """Return whether the number at a position is that of a block, floor or door."""
    label = DETAIL_BEFORE.search(low, start, position)
    return label is not None and _ends_name(low[start : label.start()])


def _ends_name(before: str) -> bool:
    """Return whether a name can end there: Calle de la Torre 5 is no tower of Calle de la."""
    words_before = before.strip(" ,.;-").split(" ")
    return words_before[-1] not in PARTICLES and bool(words_before[-1])


def _read_number(found: re.Match[str]) -> tuple[int, str]:
    first, second, letter = found["number"], found["second"], found["letter"]
    number = str(int(first))
    if second:
        if not int(first) < int(second) <= int(first) + 60:
            # no range of houses: what follows is a floor
            return found.end("number"), number
        number = f"{number}-{int(second)}"
    if found["bis"]:
        return found.end(), f"{number} {found['bis'].replace('duplicado', 'dup')}"
    if letter:
        return found.end(), f"{number} {letter.upper()}"
    return found.end("second") if second else found.end("number"), number


def _read_name(name: str, address: Address) -> None:
    name = name.strip(" ,.;:-/\\()")
    is_road = "-" in name and ROAD.fullmatch(name.lower()) is not None
    name = name.upper() if is_road else proper_place(name) or ""
    *before, last = name.split(" ") if name else [""]
    if address.street_type is None and before and fold(last) in words.TYPES_AFTER:
        address.street_type = words.TYPES_AFTER[fold(last)]
        name = " ".join(before)
    address.name = name or None


def _read_details(low: str, position: int, address: Address, written: str) -> None:
    """Read block, staircase, floor and door from a position on; the rest is kept as it is."""
    rest = []
    while position < len(low):
        between = BETWEEN.match(low, position)
        if between:
            position = between.end()
            continue
        found = DETAIL.match(low, position)
        if found is None or not _assign(found, address):
            word = WORD.match(low, position)
            end = max(position + 1, word.end() if word else 0, found.end() if found else 0)
            rest.append(written[position:end])
            position = end
        else:
            position = found.end()
    if rest:
        address.rest = " ".join([address.rest, *rest] if address.rest else rest)


def _assign(found: re.Match[str], address: Address) -> bool:
    """Give what was found its place; return whether there was one."""
    if found["block"]:
        if address.block is not None:
            return False
        address.block = f"{BLOCK_MEANINGS[_bare(found['block'])]} {found['block_name'].upper()}"
        return True
    if found["stair"]:
        if address.staircase is not None:
            return False
        address.staircase = DOOR_MEANINGS.get(found["stair"], found["stair"].upper())
        return True
    if found["door"]:
        return _set_door(address, found["door"])
    floor = found["labelled"] or found["ordinal"] or found["plain"]
    if floor is not None:
        floor = str(int(floor))
    elif found["floor"]:
        floor = FLOOR_MEANINGS[_bare(found["floor"])]
    elif found["spelt"]:
        floor = words.FLOOR_WORDS[found["spelt"]]
    if floor is not None:
        if (
            address.floor is None and address.door is None and len(floor) < 3
        ) or not floor.isdigit():
            if address.floor is not None:
                return False
            address.floor = floor
            return found["plain_letter"] is None or _set_door(address, found["plain_letter"])
        return not found["labelled"] and _set_door(address, floor + (found["plain_letter"] or ""))
    return _set_door(address, found["side"] or found["letter"])


def _set_door(address: Address, door: str) -> bool:
    if address.door is not None:
        return False
    address.door = DOOR_MEANINGS.get(door, door.upper())
    return True


def format_address(address: Address) -> str:
    """Return an address in one line."""
    street = " ".join(part for part in (address.street_type, address.name) if part)
    inside = []
    if address.floor:
        inside.append(f"{address.floor}º" if address.floor.isdigit() else address.floor)
    if address.door:
        inside.append(address.door if address.floor else f"puerta {address.door}")
    staircase = f"escalera {address.staircase}" if address.staircase else None
    parts = (street, address.number, address.block, staircase, " ".join(inside), address.rest)
    return ", ".join(part for part in parts if part)


def _is_plain(address: Address) -> bool:
    """Return whether an address plainly reads the same when it is written out again."""
    return (
        address.rest is None
        and address.block is None
        and address.staircase is None
        and address.street_type is not None
        and address.name is not None
        and address.number is not None
        and PLAIN_NUMBER.fullmatch(address.number) is not None
        and PLAIN_NAME.fullmatch(address.name) is not None
        and BLOCK_IN_NAME.search(_low(address.name)) is None
        and (address.floor is None or PLAIN_PART.fullmatch(address.floor) is not None)
        and (
            address.door is None
            or (address.floor is not None and PLAIN_PART.fullmatch(address.door) is not None)
        )
    )
