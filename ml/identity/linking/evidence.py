"""What speaks for and against a pair, in words.

Belongs here: sentences made of levels. Does not: the levels (`comparisons`). No value of a record is
in them, so that they may be logged and shown.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml.identity.linking.comparisons import FieldComparison


def reason_sql(comparisons: Sequence[FieldComparison]) -> str:
    """Return SQL over level_<comparison> of a text: `same e-mail, similar surnames; but other place`."""

    def words(is_for: bool) -> str:
        parts = []
        for comparison in comparisons:
            last = len(comparison.levels) - 1
            labels = [
                (number, level.label)
                for number, level in enumerate(comparison.levels)
                if (number < last) == is_for
            ]
            cases = " ".join(
                f"when {number} then '{label.replace(chr(39), chr(39) * 2)}'"
                for number, label in labels
            )
            parts.append(f"case level_{comparison.name} {cases} end")
        return f"nullif(concat_ws(', ', {', '.join(parts)}), '')"

    return f"concat_ws('; but ', {words(True)}, {words(False)})"
