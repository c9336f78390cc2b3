"""What an erasure goes by: contracts, classes of columns and policies, for any version of the warehouse.

Belongs here: asking them. Does not: looking at rows (`changes`), what a policy does (`rewriting`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.errors import ContractError
from orchestration.lib.privacy.byte_search import PatternSet
from orchestration.lib.privacy.erasure.policies import (
    Policy,
    TablePolicy,
    declared_policies,
    raw_policy,
)
from orchestration.lib.privacy.raw_rows import THINGS, UNLINKED_CLASSES, policy_of
from orchestration.lib.privacy.registry import ColumnClass, ColumnClasses, classes_of


@dataclass(frozen=True)
class Rules:
    """What the erasure of any version goes by."""

    contracts: Mapping[str, SystemContract]
    manifest: Mapping[str, Any]
    patterns: PatternSet | None = None

    @cached_property
    def classes(self) -> ColumnClasses:
        """What the registry says of columns."""
        return classes_of(self.manifest)

    def class_of(self, schema: str, table: str, column: str) -> ColumnClass | None:
        """Return the class of a column, None when an old version has one that nobody classes now."""
        try:
            return self.classes.of(schema, table, column)
        except ContractError:
            return None

    def kinds(self, schema: str, table: str, columns: Sequence[str]) -> dict[str, str]:
        """Return the identifier kind of each column that has one."""
        found = {each: self.class_of(schema, table, each) for each in columns}
        return {
            name: each.identifier_kind
            for name, each in found.items()
            if each is not None and each.identifier_kind
        }

    @cached_property
    def _raw(self) -> dict[str, TableContract]:
        return {
            table.identifier: table for each in self.contracts.values() for table in each.tables
        }

    @cached_property
    def _declared(self) -> dict[tuple[str, str], Policy]:
        return declared_policies(self.manifest)

    def policy(self, schema: str, table: str, columns: Sequence[str]) -> TablePolicy:
        """Return the policy of a table that has these columns."""
        if schema == "raw":
            contract = self._raw.get(table)
            return raw_policy(contract) if contract else TablePolicy("keep")
        action = self._declared.get((schema, table), "delete")
        if action != "unlink":
            return TablePolicy(action)
        classes = {each: self.class_of(schema, table, each) for each in columns}
        blank = [
            name
            for name, found in classes.items()
            if found is not None and found.data_class in UNLINKED_CLASSES and name not in THINGS
        ]
        return TablePolicy("unlink", tuple(blank))

    @cached_property
    def fingerprint(self) -> str:
        """Hash of what the registry and the policies say."""
        declared = sorted(
            (*table, name, *map(str, found))
            for table, columns in self.classes.declared.items()
            for name, found in columns.items()
        )
        policies = sorted((*table, policy) for table, policy in self._declared.items())
        raw = sorted((name, policy_of(each), *each.record_keys) for name, each in self._raw.items())
        return sha256(json.dumps([declared, policies, raw]).encode()).hexdigest()[:16]
