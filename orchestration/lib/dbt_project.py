"""dbt in process: parse the project when it changed, run one layer, hand back what happened.

A subprocess per layer would start Python and dbt anew (20-28 s instead of 2-4 s). No dagster in here.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from orchestration.lib.errors import ConfigurationError, ContractError
from orchestration.lib.redaction import redact

# Seeds change with the code, not with the data: their tests run with the test suite.
TESTS_OF_CODE = "resource_type:test,path:seeds"
STAMP = "cadencia_fingerprint.txt"
SOURCE_SUFFIXES = (".sql", ".yml", ".yaml", ".csv")


@dataclass(frozen=True)
class NodeResult:
    """What became of one model, seed or test."""

    unique_id: str
    resource_type: str
    name: str
    status: str
    duration_seconds: float
    failures: int | None
    message: str
    finished_at: datetime

    @property
    def has_succeeded(self) -> bool:
        """Whether the node ran and, for a test, found nothing wrong."""
        return self.status in ("success", "pass")

    @property
    def has_run(self) -> bool:
        """Whether the node ran at all."""
        return self.status not in ("skipped", "no-op")


def project_fingerprint(project_dir: Path) -> str:
    """Return a hash of every file of the project that a parse reads."""
    digest = sha256()
    for path in sorted(project_dir.rglob("*")):
        relative = path.relative_to(project_dir)
        if path.suffix in SOURCE_SUFFIXES and relative.parts[0] not in ("target", "logs"):
            digest.update(f"{relative}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _invoke(arguments: Sequence[str], manifest: object = None, callback: object = None) -> Any:
    # Imported here: dbt takes seconds to import and most commands don't need it.
    from dbt.cli.main import dbtRunner

    callbacks = [callback] if callback else []
    return dbtRunner(manifest=manifest, callbacks=callbacks).invoke(list(arguments))


def _common_arguments(project_dir: Path) -> list[str]:
    return [
        "--project-dir", str(project_dir),
        "--profiles-dir", str(project_dir),
        "--target-path", str(project_dir / "target"),
        "--log-path", str(project_dir / "target"),
        "--log-level", "none",
        "--log-level-file", "none",
    ]  # fmt: skip


def _failure_text(outcome: Any) -> str:
    exception = outcome.exception
    return redact(str(exception)) if exception else "see the messages above"


def ensure_manifest(project_dir: Path) -> Path:
    """Return the path of a ``manifest.json`` that matches the project's files; parse if it doesn't.

    Raises
    ------
    ConfigurationError
        When the project can't be parsed; dbt's own words follow.
    """
    target = project_dir / "target"
    fingerprint = project_fingerprint(project_dir)
    if not _is_parsed(target, fingerprint):
        target.mkdir(exist_ok=True)
        # dbt writes its files in place: two processes that parse at once would mix them.
        with (target / ".parse.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not _is_parsed(target, fingerprint):
                parsed_manifest.cache_clear()
                (target / STAMP).unlink(missing_ok=True)
                _parse(project_dir)
                (target / STAMP).write_text(fingerprint)
    return target / "manifest.json"


def _is_parsed(target: Path, fingerprint: str) -> bool:
    stored = [target / name for name in ("manifest.json", STAMP, "partial_parse.msgpack")]
    return all(path.is_file() for path in stored) and (target / STAMP).read_text() == fingerprint


def _parse(project_dir: Path) -> None:
    outcome = _invoke(["parse", "--quiet", "--no-partial-parse", *_common_arguments(project_dir)])
    if not outcome.success:
        raise ConfigurationError(
            f"The dbt project in {project_dir} can't be parsed: {_failure_text(outcome)}"
        )


@cache
def parsed_manifest(project_dir: Path) -> Any:
    """Return dbt's own manifest object, as the last parse stored it.

    Parsing again costs four seconds a process: dbt throws its partial parse away whenever the
    database's path, which is another in each run, comes from the environment.
    """
    from dbt.contracts.graph.manifest import Manifest

    ensure_manifest(project_dir)
    stored = project_dir / "target" / "partial_parse.msgpack"
    manifest = Manifest.from_msgpack(stored.read_bytes())
    manifest.build_flat_graph()
    return manifest


def read_manifest(project_dir: Path) -> dict[str, Any]:
    """Return the manifest as a dictionary, parsed anew when files changed."""
    path = ensure_manifest(project_dir)
    return _read_json(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read_json(path: Path, _changed_ns: int) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def declared_columns(manifest: Mapping[str, Any], schema: str, table: str) -> dict[str, str]:
    """Return the columns and types that the yml declares for a table that Python writes.

    Raises
    ------
    ContractError
        When the table is not declared.
    """
    for source in manifest["sources"].values():
        if (source["schema"], source["name"]) == (schema, table):
            return {name: column["data_type"] for name, column in source["columns"].items()}
    raise ContractError(
        f"{schema}.{table} is not declared in models/staging/sources.yml; declare its columns there."
    )


@contextmanager
def _database(path: Path) -> Iterator[None]:
    """Hand the working copy to the dbt profile by its environment variable."""
    before = os.environ.get("CADENCIA_DBT_DATABASE")
    os.environ["CADENCIA_DBT_DATABASE"] = str(path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["CADENCIA_DBT_DATABASE"]
        else:
            os.environ["CADENCIA_DBT_DATABASE"] = before


def _close_connections() -> None:
    """Close what dbt-duckdb keeps open, so that the file can be copied, attached and published."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.env().close()
    DuckDBConnectionManager.close_all_connections()


def build_nodes(
    project_dir: Path,
    database: Path,
    select: Sequence[str],
    variables: Mapping[str, object],
    on_node: Callable[[str, str], None] | None = None,
) -> list[NodeResult]:
    """Run ``dbt build`` for the named nodes and their tests on a warehouse file.

    ``on_node(name, status)`` is called as each node ends. Unit tests don't run here: they test the
    code, not the data, and run with the test suite.

    Raises
    ------
    ConfigurationError
        When dbt could not start to run the nodes (a node's own failure is in its result).
    """

    def heard(event: Any) -> None:
        if event.info.name == "NodeFinished" and on_node is not None:
            node = event.data.node_info
            on_node(node.node_name, node.node_status)

    arguments = [
        "build", "--quiet", "--no-write-json", *_common_arguments(project_dir),
        "--select", *select,
        "--exclude", TESTS_OF_CODE,
        "--exclude-resource-type", "unit_test",
        "--indirect-selection", "buildable",
        "--vars", json.dumps(dict(variables)),
    ]  # fmt: skip
    with _database(database):
        outcome = _invoke(arguments, parsed_manifest(project_dir), heard)
        _close_connections()
    if outcome.result is None:
        raise ConfigurationError(f"dbt could not run: {_failure_text(outcome)}")
    finished_at = datetime.now(UTC).replace(tzinfo=None)
    return [
        NodeResult(
            unique_id=result.node.unique_id,
            resource_type=str(result.node.resource_type.value),
            name=result.node.name,
            status=str(result.status.value if hasattr(result.status, "value") else result.status),
            duration_seconds=float(result.execution_time),
            failures=result.failures,
            message=redact(result.message or ""),
            finished_at=finished_at,
        )
        for result in outcome.result.results
    ]


if __name__ == "__main__":  # `make install` parses once, so that no command has to
    from orchestration.settings import DBT_PROJECT_DIR

    ensure_manifest(DBT_PROJECT_DIR)
