"""What a trainer tells while it works: JSON lines on stdout (models/training/events.ts). One comes every few seconds, whatever
a library is busy with, and nothing else is printed there."""
import json
import os
import sys
import threading
import time

_lock = threading.Lock()
_lines = os.fdopen(os.dup(1), "w", buffering=1)
HEARTBEAT_SECONDS = 3


class Refused(Exception):
    """Trouble with a name that whoever asked can act on: `data.one_class`, `model.not_finite` and the like."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def say(type_, **fields):
    with _lock:
        _lines.write(json.dumps({"type": type_, **fields}, allow_nan=False) + "\n")


class Progress:
    """The latest word on how it goes, said again while nothing new comes."""

    def __init__(self):
        self._last = {"part": "start", "done": 0, "of": 1, "loss": None, "secondsLeft": None}
        self._begun = time.time()
        threading.Thread(target=self._repeat, daemon=True).start()

    def begin(self):
        self._begun = time.time()

    def tell(self, part, done, of, loss=None):
        left = (time.time() - self._begun) / done * (of - done) if done > 0 else None
        finite = loss is not None and abs(loss) < 1e30
        self._last = {"part": part, "done": done, "of": of, "loss": float(loss) if finite else None, "secondsLeft": left}
        say("progress", **self._last)

    def _repeat(self):
        while True:
            time.sleep(HEARTBEAT_SECONDS)
            say("progress", **self._last)


def leave_with_parent():
    """Standard input is held open by whoever waits for this work; when it ends, nobody does."""

    def wait():
        while os.read(0, 4096):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def quiet_stdout():
    """Libraries print; what they print goes to stderr, where it becomes the log."""
    os.dup2(2, 1)
    sys.stdout = sys.stderr
