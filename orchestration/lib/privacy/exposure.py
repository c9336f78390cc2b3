"""What of a deployment others could read: weak modes, keys beside the data, secrets in files.

Belongs here: finding it, with the remedy; values are never told. Does not: mending it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.lib.private_files import OTHERS

# What comes with the project's own folder data/ and is in Git.
PUBLIC_NAMES = frozenset({"README.md", "reference", ".gitkeep", ".gitignore"})
SHOWN = 5
SETTINGS_FILES = (".yml", ".yaml", ".toml", ".ini", ".cfg", ".conf", ".json", ".env")
LARGEST_SETTINGS_FILE = 1 << 20
SECRET = re.compile(
    r"""["']?\b[\w-]*(?:password|passwd|passphrase|secret|token|api_?key|authorization)["']?
    \s*[:=]\s*(?P<value>"[^"]*"|'[^']*'|[^\s,;}\#]+(?:\ [^\s,;}\#]+)?)""",
    re.IGNORECASE | re.VERBOSE,
)
LOGIN_IN_ADDRESS = re.compile(r"\w+://[^\s/:@'\"{}$]+:(?P<value>[^\s/@'\"{}$]+)@")
# A reference to a secret elsewhere, or a word that says which kind of login it is.
REFERENCE = re.compile(
    r"""^["']?(?:$|\$|\{\{|%|env[:(]|null$|none$|true$|false$|header$|query$|cookie$|bearer$|
    oauth2_client_credentials$|https?://)""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True)
class Exposed:
    """One thing that others could read, and what to do about it."""

    path: Path
    remedy: str


def weak_modes(home: Path) -> list[Exposed]:
    """Return what under the deployment users other than its owner can reach and read or change.

    A folder for its owner alone guards whatever lies in it, so nothing below it is looked at; keys have
    to be guarded themselves, for they are copied one by one.
    """
    found = [
        Exposed(path, f"chmod 600 {path}")
        for path in _keys_under(home)
        if path.stat().st_mode & OTHERS
    ]
    if not home.exists() or not home.stat().st_mode & OTHERS:
        return found
    for path in sorted(home.iterdir()):
        if path.name not in PUBLIC_NAMES:
            found += [each for each in _exposed_in(path) if each not in found]
    return found


def _exposed_in(path: Path) -> Iterator[Exposed]:
    """Yield a file, or the folder as a whole: its remedy covers what is in it."""
    if path.is_symlink() or not path.stat().st_mode & OTHERS:
        return
    yield Exposed(path, f"chmod {'-R go-rwx' if path.is_dir() else '600'} {path}")


def _keys_under(home: Path) -> list[Path]:
    return sorted(path for path in home.rglob("*.key") if path.is_file() and not path.is_symlink())


def misplaced_keys(home: Path, keys_dir: Path) -> list[Exposed]:
    """Return keys that lie elsewhere than in their folder: a copy of the data would hold them too."""
    elsewhere = [path for path in _keys_under(home) if path.parent != keys_dir]
    found = [Exposed(path, f"move it into {keys_dir}") for path in elsewhere]
    data_dirs = [home / name for name in ("warehouse", "landing", "outbox")]
    real = keys_dir.resolve()
    if any(folder.resolve() in (real, *real.parents) for folder in data_dirs):
        found.append(
            Exposed(keys_dir, "it leads into a folder of data: make it a folder beside it")
        )
    return found


def secrets_in_files(folders: Sequence[Path]) -> list[Exposed]:
    """Return the lines of settings files in which a password or a token stands in plain words."""
    found = []
    for path in sorted({path for folder in folders for path in _settings_files(folder)}):
        for number, line in enumerate(_lines(path), start=1):
            matches = [*SECRET.finditer(line), *LOGIN_IN_ADDRESS.finditer(line)]
            if any(not REFERENCE.match(match["value"]) for match in matches):
                found.append(
                    Exposed(
                        Path(f"{path}:{number}"),
                        "take the secret out, change it, and give it by an environment variable "
                        "(docs/connect-a-database-or-api.md)",
                    )
                )
    return found


def _settings_files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("target", "runs", "storage", ".git")]
        for name in names:
            path = Path(parent) / name
            if not name.endswith(SETTINGS_FILES) or path.is_symlink():
                continue
            state = path.stat()
            if stat.S_ISREG(state.st_mode) and state.st_size <= LARGEST_SETTINGS_FILE:
                yield path


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return [line for line in text.splitlines() if not line.lstrip().startswith("#")]


def sentence(found: Sequence[Exposed]) -> str:
    """Return findings for people: the first few with what to do."""
    told = "; ".join(f"{each.path}: {each.remedy}" for each in found[:SHOWN])
    return told + (f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else "")
