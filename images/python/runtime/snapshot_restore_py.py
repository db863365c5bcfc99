"""The hooks of SnapStart, by the name under which AWS's runtime offers them.

What runs before a snapshot runs in reverse order of its registration, what runs after a restore in
order.
"""

_before_snapshot = []
_after_restore = []


def register_before_snapshot(func, *args, **kwargs):
    """Has `func(*args, **kwargs)` called before the snapshot is taken."""
    _before_snapshot.insert(0, (func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """Has `func(*args, **kwargs)` called after a restore, before the invocation."""
    _after_restore.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return _before_snapshot


def get_after_restore():
    return _after_restore
