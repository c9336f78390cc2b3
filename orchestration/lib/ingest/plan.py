"""Decide what a load has to do: which files are new, which repeat, whether the table is rebuilt.

Pure: names, hashes and dates in, a plan out. Reading and writing: `files`, `table_load`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.ingest.deliveries import Delivery
from orchestration.lib.ingest.ledger import LOADED, HeldBatch

NAMES_IN_A_MESSAGE = 5


@dataclass(frozen=True)
class LoadPlan:
    """What to do with a table's deliveries."""

    is_rebuild: bool
    to_load: tuple[Delivery, ...]
    duplicates: tuple[Delivery, ...] = ()
    superseded: tuple[Delivery, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.is_rebuild or self.to_load or self.duplicates or self.superseded)


def _snapshot_key(delivery: Delivery) -> tuple[str, str, str]:
    """Order snapshots: all members of an archive are one delivery."""
    stem = delivery.stem.partition("/")[0] if delivery.archive else delivery.stem
    return delivery.date, stem, delivery.container


def _needs_rebuild(
    deliveries: Sequence[Delivery], held: Sequence[HeldBatch], contract_sha256: str
) -> bool:
    """Whether the contract changed, or a file came again under its name with other content."""
    if any(batch.contract_sha256 != contract_sha256 for batch in held):
        return True
    contents = {batch.delivery.source_file: batch.delivery.content_sha256 for batch in held}
    return any(
        contents.get(delivery.source_file, delivery.content_sha256) != delivery.content_sha256
        for delivery in deliveries
    )


def _require_nothing_lost(
    table: TableContract,
    deliveries: Sequence[Delivery],
    held: Sequence[HeldBatch],
    newest: tuple[str, str, str] | None,
) -> None:
    """Refuse a rebuild when rows would go because their file is no longer there."""
    names = {delivery.source_file for delivery in deliveries}
    contents = {delivery.content_sha256 for delivery in deliveries}
    gone = [
        batch.delivery
        for batch in held
        if batch.result.status == LOADED
        and batch.result.rows_loaded
        and batch.delivery.source_file not in names
        and batch.delivery.content_sha256 not in contents
        and (newest is None or _snapshot_key(batch.delivery) > newest)
    ]
    if gone:
        shown = ", ".join(delivery.source_file for delivery in gone[:NAMES_IN_A_MESSAGE])
        more = (
            f" and {len(gone) - NAMES_IN_A_MESSAGE} more" if len(gone) > NAMES_IN_A_MESSAGE else ""
        )
        raise InputError(
            f"{table.system}.{table.name}: the table has to be built again from all its files, but "
            f"{shown}{more} was loaded earlier and is no longer in landing/{table.system}/; its rows "
            "would be lost. Put it back and run again."
        )


def _plan_snapshot(
    table: TableContract,
    deliveries: Sequence[Delivery],
    held: Sequence[HeldBatch],
    is_rebuild: bool,
) -> LoadPlan:
    newest = max(map(_snapshot_key, deliveries), default=None)
    if is_rebuild:
        _require_nothing_lost(table, deliveries, held, newest)
        held = ()
    known = {(batch.delivery.source_file, batch.delivery.content_sha256) for batch in held}
    held_newest = max(
        (_snapshot_key(batch.delivery) for batch in held if batch.result.status == LOADED),
        default=None,
    )
    contents = {batch.delivery.content_sha256 for batch in held}
    is_newer = newest is not None and (held_newest is None or newest > held_newest)
    to_load = [each for each in deliveries if is_newer and _snapshot_key(each) == newest]
    contents |= {each.content_sha256 for each in to_load}
    duplicates: list[Delivery] = []
    superseded: list[Delivery] = []
    for delivery in deliveries:
        if (delivery.source_file, delivery.content_sha256) in known or delivery in to_load:
            continue
        (duplicates if delivery.content_sha256 in contents else superseded).append(delivery)
        contents.add(delivery.content_sha256)
    return LoadPlan(is_rebuild, tuple(to_load), tuple(duplicates), tuple(superseded))


def _plan_merge(
    table: TableContract,
    deliveries: Sequence[Delivery],
    held: Sequence[HeldBatch],
    is_rebuild: bool,
) -> LoadPlan:
    """Plan upsert and append: every content is read once.

    Of one content under several names the newest decides in upsert: a state that is delivered again
    later holds later. For append a content that is known adds nothing, whatever its name.
    """
    if is_rebuild:
        _require_nothing_lost(table, deliveries, held, None)
        held = ()
    known = {(batch.delivery.source_file, batch.delivery.content_sha256) for batch in held}
    best: dict[str, tuple[str, str]] = {}
    for batch in held:
        content, order = batch.delivery.content_sha256, batch.delivery.order
        best[content] = max(best.get(content, order), order)
    to_load: list[Delivery] = []
    duplicates: list[Delivery] = []
    for delivery in sorted(deliveries, key=lambda each: each.order, reverse=True):
        if (delivery.source_file, delivery.content_sha256) in known:
            continue
        known_order = best.get(delivery.content_sha256)
        is_better = known_order is None or (
            table.delivery == "upsert" and delivery.order > known_order
        )
        if is_better:
            best[delivery.content_sha256] = delivery.order
        (to_load if is_better else duplicates).append(delivery)
    return LoadPlan(is_rebuild, tuple(reversed(to_load)), tuple(reversed(duplicates)))


def plan_load(
    table: TableContract,
    deliveries: Sequence[Delivery],
    held: Sequence[HeldBatch],
    *,
    contract_sha256: str,
    is_forced: bool,
) -> LoadPlan:
    """Return what to do; ``is_forced`` rebuilds (--full-refresh, or the raw table is not there).

    Raises
    ------
    InputError
        When a rebuild would lose rows because an earlier file is gone.
    """
    is_rebuild = is_forced or _needs_rebuild(deliveries, held, contract_sha256)
    plan = _plan_snapshot if table.delivery == "snapshot" else _plan_merge
    return plan(table, sorted(deliveries, key=_snapshot_key), held, is_rebuild)
