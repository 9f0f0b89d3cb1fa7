"""Where compiled kernels are kept, so that a second process need not compile them again."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

CACHE = "NUMBA_CACHE_DIR"


def keep_compiled() -> None:
    """Give numba a folder where it has none: without one it refuses to import a kernel (``no locator available``).

    It keeps what it compiles beside the source or else in the home. A container may have neither: an installation that
    cannot be written, and no home. Then a folder of this user's own among the temporary files does.
    """
    if CACHE in os.environ or _can_write(_in_the_home()):
        return
    folder = _private_folder()
    os.environ[CACHE] = folder  # for the processes that this one starts, too
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = folder


def _in_the_home() -> Path:
    caches = "~/Library/Caches" if sys.platform == "darwin" else os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.path.expanduser(caches), "numba")


def _can_write(folder: Path) -> bool:
    if not folder.is_absolute():  # there is no home
        return False
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _private_folder() -> str:
    """Return a folder that nobody else can put anything in: compiled code is loaded from it without a question."""
    folder = Path(tempfile.gettempdir(), f"sweep-{os.getuid()}")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        facts = folder.lstat()
    except OSError:
        return tempfile.mkdtemp(prefix="sweep-")
    own = stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.getuid() and not facts.st_mode & 0o022
    return f"{folder}/numba" if own else tempfile.mkdtemp(prefix="sweep-")
