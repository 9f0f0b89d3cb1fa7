"""A terminal that somebody types into and looks at: a session of tmux."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")


@dataclass(frozen=True)
class Terminal:
    """What is on the screen, and a keyboard."""

    session: str

    def type(self, line: str) -> None:
        self._tmux("send-keys", "-l", line)
        self.press("Enter")

    def press(self, key: str) -> None:
        self._tmux("send-keys", key)

    def screen(self) -> str:
        """Return what is on the screen now, without what has scrolled away."""
        return self._tmux("capture-pane", "-p")

    def all(self) -> str:
        """Return all lines that there were."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-")

    def wait_for(self, pattern: str, seconds: float = 60.0) -> str:
        """Return the screen as soon as it shows something."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, screen := self.screen()):
            assert time.monotonic() < deadline, f"{pattern} is not on the screen:\n{screen}"
            time.sleep(0.1)
        return screen

    def _tmux(self, command: str, *words: str) -> str:
        line = ["tmux", "-L", self.session, command, *(["-t", "0"] if command != "kill-server" else []), *words]
        return subprocess.run(line, capture_output=True, text=True, check=True).stdout


@contextmanager
def terminal(cwd: Path, environment: dict[str, str]) -> Iterator[Terminal]:
    """Open a terminal of 110 columns and 30 lines with a plain shell."""
    session = f"sweep-{uuid.uuid4().hex[:8]}"
    own = {"TERM": "xterm-256color", "PS1": "$ ", "COLUMNS": "", "LINES": ""}  # its size is what the terminal says
    shell = f"env -i {shlex.join(f'{name}={value}' for name, value in (environment | own).items() if value)} sh"
    line = ["tmux", "-L", session, "-f", "/dev/null", "new-session", "-d", "-x", "110", "-y", "30", "-c", str(cwd)]
    subprocess.run([*line, shell], check=True)
    try:
        yield Terminal(session)
    finally:
        subprocess.run(["tmux", "-L", session, "kill-server"], check=False)
