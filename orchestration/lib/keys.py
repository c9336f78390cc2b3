"""Secret keys: from the environment, else generated once into an owner-only file.

Belongs here: getting a key and checking its file's mode. Does not: what the key is used for.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from orchestration.lib.errors import ConfigurationError
from orchestration.lib.private_files import private_folder, replace_file

MINIMUM_BYTES = 16


def load_key(name: str, from_environment: str, keys_dir: Path) -> bytes:
    """Return the key ``name``: the environment's value, else the content of ``keys/<name>.key``.

    The file is generated (256 random bits, mode 0600, never overwritten) when it does not exist.

    Raises
    ------
    ConfigurationError
        When the key is too short, or its file can be read by others.
    """
    variable = f"CADENCIA_{name.upper()}_KEY"
    if from_environment:
        if len(from_environment.encode()) < MINIMUM_BYTES:
            raise ConfigurationError(
                f"{variable} is shorter than {MINIMUM_BYTES} bytes; set a longer random value."
            )
        return from_environment.encode()
    path = keys_dir / f"{name}.key"
    private_folder(keys_dir)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(
            f"The key file {path} can be read by other users; run `chmod 600 {path}`."
        )
    key = path.read_text().strip().encode()
    if len(key) < MINIMUM_BYTES:
        raise ConfigurationError(
            f"The key file {path} holds fewer than {MINIMUM_BYTES} bytes; restore it from your "
            "backup (a new key changes every pseudonym and control group)."
        )
    return key


def replace_key(name: str, keys_dir: Path) -> None:
    """Write a new key over ``keys/<name>.key`` in one step; the old one is not kept."""
    replace_file(keys_dir / f"{name}.key", secrets.token_hex(32).encode())
