"""SnapStart in a Python runtime: compiled modules are read from the version's cache, or left in it
by the run that fills it; then the runtime waits as a snapshot, between the function's hooks.
"""

import os
import sys

import snapshot_restore_py


def prepare(environment):
    """Before the function is loaded. Returns what this run is for."""
    cache = environment.pop("HEARTH_CACHE", "")
    purpose = environment.pop("HEARTH_SNAPSHOT", "")
    if cache and os.path.isdir(cache):
        sys.pycache_prefix = cache
    if purpose == "fill":
        return "fill"
    is_snapshot = environment.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    return "snapshot" if is_snapshot else "run"


def take(purpose, client):
    """After the function is loaded: ends the process, waits to be restored, or does nothing."""
    if purpose == "fill":
        sys.stdout.flush()
        os._exit(0)
    if purpose != "snapshot":
        return
    _run(snapshot_restore_py.get_before_snapshot())
    client.restore_next()
    _run(snapshot_restore_py.get_after_restore())


def _run(hooks):
    for func, args, kwargs in hooks:
        func(*args, **kwargs)
