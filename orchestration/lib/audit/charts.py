"""Charts of the audit as inline SVG: a title, a text alternative, no script, no font of their own.

Belongs here: drawing. Does not: which numbers are drawn, or in which language (`sections`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import count
from typing import Final

BLUE: Final = "#12355b"
ACCENT: Final = "#e07a3f"
INK: Final = "#2b2f36"
GREY: Final = "#6b7480"
PALE: Final = "#e4e7eb"
# One hue from light to dark, so that it also reads in black and white.
BLUES: Final = ("#f3f6f9", "#d5dfea", "#a9bfd6", "#6d8fb3", "#3f6692", BLUE)
# Narrow enough for text to stay readable where a phone shows the drawing smaller.
WIDTH: Final = 440
_TEXT: Final = 13
_SMALL: Final = 11
_ids = count(1)


@dataclass(frozen=True)
class Chart:
    """A drawing, its title and what it shows in words."""

    title: str
    alternative: str
    svg: str


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its size and the text of its size."""

    label: str
    value: float
    text: str
    is_accented: bool = False


def _text(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    size: int = _TEXT,
    colour: str = INK,
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}" '
        f'font-weight="{weight}">{escape(content)}</text>'
    )


def _rectangle(x: float, y: float, width: float, height: float, colour: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" '
        f'fill="{colour}"/>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="1"{dashed}/>'
    )


def _drawing(title: str, alternative: str, height: float, parts: Sequence[str]) -> Chart:
    number = next(_ids)
    svg = (
        f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" '
        f'aria-labelledby="chart-{number}-title chart-{number}-text">'
        f'<title id="chart-{number}-title">{escape(title)}</title>'
        f'<desc id="chart-{number}-text">{escape(alternative)}</desc>{"".join(parts)}</svg>'
    )
    return Chart(title, alternative, svg)


def _shortened(label: str, characters: int) -> str:
    return label if len(label) <= characters else f"{label[: characters - 1]}…"


def _in_words(bars: Sequence[Bar]) -> str:
    return "; ".join(f"{bar.label}: {bar.text}" for bar in bars)


def horizontal_bars(title: str, bars: Sequence[Bar]) -> Chart:
    """Draw bars from left to right, with room for labels of some 24 characters."""
    row, left, right = 26.0, 168.0, 84.0
    top = max((bar.value for bar in bars), default=0.0) or 1.0
    parts = []
    for position, bar in enumerate(bars):
        y = position * row
        width = (WIDTH - left - right) * max(bar.value, 0) / top
        parts += [
            _text(left - 8, y + 17, _shortened(bar.label, 24), anchor="end"),
            _rectangle(left, y + 4, max(width, 1), row - 8, ACCENT if bar.is_accented else BLUE),
            _text(left + max(width, 1) + 6, y + 17, bar.text, size=_SMALL, colour=GREY),
        ]
    return _drawing(title, _in_words(bars), max(row * len(bars), row), parts)


def columns(title: str, bars: Sequence[Bar], *, labelled_every: int = 1) -> Chart:
    """Draw upright bars; the text of a size stands on its bar where there is room for it."""
    height, bottom, top_room = 190.0, 22.0, 18.0
    top = max((bar.value for bar in bars), default=0.0) or 1.0
    step = WIDTH / max(len(bars), 1)
    parts = [_line(0, height - bottom, WIDTH, height - bottom, PALE)]
    for position, bar in enumerate(bars):
        size = (height - bottom - top_room) * max(bar.value, 0) / top
        x, middle = position * step, position * step + step / 2
        colour = ACCENT if bar.is_accented else BLUE
        parts.append(_rectangle(x + step * 0.12, height - bottom - size, step * 0.76, size, colour))
        if step >= 36:
            parts.append(
                _text(middle, height - bottom - size - 5, bar.text, anchor="middle", size=_SMALL)
            )
        if position % labelled_every == 0:
            parts.append(
                _text(middle, height - 6, bar.label, anchor="middle", size=_SMALL, colour=GREY)
            )
    return _drawing(title, _in_words(bars), height, parts)


def curve(
    title: str,
    alternative: str,
    points: Sequence[tuple[float, float]],
    *,
    x_labels: Sequence[tuple[float, str]],
    y_labels: Sequence[tuple[float, str]],
    marked: tuple[float, float, str] | None = None,
    is_diagonal_shown: bool = False,
) -> Chart:
    """Draw a line through points in the unit square, with labelled axes and one marked point."""
    height, left, bottom, top_room, right = 250.0, 46.0, 24.0, 10.0, 12.0

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            left + (WIDTH - left - right) * x,
            height - bottom - (height - bottom - top_room) * y,
        )

    parts = []
    for value, label in y_labels:
        x, y = place(0, value)
        parts += [
            _line(x, y, WIDTH - right, y, PALE),
            _text(x - 6, y + 4, label, anchor="end", size=_SMALL, colour=GREY),
        ]
    for value, label in x_labels:
        x, y = place(value, 0)
        parts.append(_text(x, y + 17, label, anchor="middle", size=_SMALL, colour=GREY))
    if is_diagonal_shown:
        parts.append(_line(*place(0, 0), *place(1, 1), GREY, dash="4 3"))
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
    parts.append(f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="2.5"/>')
    if marked:
        x, y = place(marked[0], marked[1])
        floor = place(marked[0], 0)[1]
        parts += [
            _line(x, y, x, floor, ACCENT, dash="3 3"),
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{ACCENT}"/>',
            _text(x + 10, y + 16, marked[2], colour=ACCENT, weight="bold"),
        ]
    return _drawing(title, alternative, height, parts)


@dataclass(frozen=True)
class Cell:
    """One cell of a grid: place from the lower left, share of the whole, text."""

    column: int
    row: int
    share: float
    text: str


def grid(title: str, alternative: str, cells: Sequence[Cell], x_title: str, y_title: str) -> Chart:
    """Draw a five by five grid whose colour is a share and whose text is a count."""
    left, bottom, size = 40.0, 42.0, 5
    width, row = (WIDTH - left) / size, 44.0
    height = row * size + bottom
    darkest = max((cell.share for cell in cells), default=0.0) or 1.0
    found = {(cell.column, cell.row): cell for cell in cells}
    parts = []
    for column in range(1, size + 1):
        middle = left + (column - 0.5) * width
        parts.append(
            _text(middle, row * size + 16, str(column), anchor="middle", size=_SMALL, colour=GREY)
        )
        for line in range(1, size + 1):
            cell = found.get((column, line))
            tone = round((len(BLUES) - 1) * (cell.share / darkest) ** 0.5) if cell else 0
            x, y = left + (column - 1) * width, (size - line) * row
            parts.append(_rectangle(x + 1, y + 1, width - 2, row - 2, BLUES[tone]))
            parts.append(
                _text(
                    middle,
                    y + row / 2 + 5,
                    cell.text if cell else "–",  # noqa: RUF001
                    anchor="middle",
                    colour="#ffffff" if tone >= 3 else INK,
                )
            )
    for line in range(1, size + 1):
        y = (size - line + 0.5) * row + 4
        parts.append(_text(left - 10, y, str(line), anchor="end", size=_SMALL, colour=GREY))
    parts += [
        _text(left + 2.5 * width, height - 6, x_title, anchor="middle", size=_SMALL, colour=GREY),
        f'<text transform="translate(12 {row * size / 2:.0f}) rotate(-90)" text-anchor="middle" '
        f'font-size="{_SMALL}" fill="{GREY}">{escape(y_title)}</text>',
    ]
    return _drawing(title, alternative, height, parts)
