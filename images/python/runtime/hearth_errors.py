"""What went wrong, in the shape and with the texts that AWS's Python runtime reports."""

import json
import traceback


class RuntimeFailure(Exception):
    """A failure of the runtime's own making; `error_type` is AWS's name for it."""

    def __init__(self, error_type, message, frames=()):
        super().__init__(message)
        self.error_type = error_type
        self.frames = list(frames)


def describe(error, request_id):
    """The body of an error report, and the type that goes into its header."""
    if isinstance(error, RuntimeFailure):
        error_type, frames = error.error_type, error.frames
    else:
        error_type, frames = type(error).__name__, user_frames(error)
    body = {
        "errorMessage": str(error),
        "errorType": error_type,
        "requestId": request_id,
        "stackTrace": frames,
    }
    return body, error_type


def user_frames(error):
    """The traceback without the runtime's own frames, a string a frame."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _is_ours(frame.filename)]
    for frame in own:
        # AWS's frames carry no column marks.
        frame.colno = frame.end_colno = None
    return traceback.format_list(own)


def _is_ours(filename):
    return filename.startswith(("/var/runtime/", "<frozen importlib"))


def encode(body):
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
