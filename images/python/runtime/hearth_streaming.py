"""Answers that leave while the function makes them. AWS has no such thing for Python; this is ours.

    from hearth_streaming import http_response, streamify_response

    @streamify_response
    def handler(event, context):
        yield http_response(200, {"content-type": "text/plain"})  # optional: for function URLs
        yield "first words"
        yield b"and bytes"

What the generator yields leaves at once; text as UTF-8. A slow client makes the next yield wait.
`streamify_response(content_type=...)` names the content type where there is no http_response.
"""

import base64
import json

_MARK = "_hearth_content_type"
_PRELUDE_TYPE = "application/vnd.awslambda.http-integration-response"
_SEPARATOR = bytes(8)
_REPORT_BYTES_MAX = 40_000
_MESSAGE_LENGTH_MAX = 8_000


class _Prelude:
    def __init__(self, fields):
        self.bytes = json.dumps(fields).encode() + _SEPARATOR


def streamify_response(handler=None, *, content_type="application/octet-stream"):
    """Declares that a handler is a generator whose values are the answer."""

    def declare(function):
        setattr(function, _MARK, content_type)
        return function

    return declare if handler is None else declare(handler)


def http_response(status_code=200, headers=None, cookies=None):
    """Status, headers and cookies for an HTTP caller; only the first value may be one."""
    fields = {"statusCode": status_code, "headers": headers or {}, "cookies": cookies or []}
    return _Prelude(fields)


# What follows is the runtime's side.


def is_streaming(handler):
    return hasattr(handler, _MARK)


def pieces(handler, event, context):
    """The content type, then the answer's bytes, piece by piece.

    Whatever fails before the first value raises before the content type is given.
    """
    values = iter(handler(event, context))
    first = next(values, b"")
    if isinstance(first, _Prelude):
        yield _PRELUDE_TYPE
        yield first.bytes
    else:
        content_type = getattr(handler, _MARK)
        head = _to_bytes(first)
        yield "".join(letter if " " <= letter <= "~" else " " for letter in content_type)
        yield head
    for value in values:
        yield _to_bytes(value)


def trailers(report, error_type):
    """An error in the midst, as the headers that follow the last chunk."""
    encoded = json.dumps(report).encode()
    if len(encoded) > _REPORT_BYTES_MAX:
        message = report["errorMessage"][:_MESSAGE_LENGTH_MAX]
        encoded = json.dumps({**report, "errorMessage": message, "stackTrace": []}).encode()
    return [
        ("Lambda-Runtime-Function-Error-Type", error_type.encode("ascii", "replace").decode()),
        ("Lambda-Runtime-Function-Error-Body", base64.b64encode(encoded).decode()),
    ]


def _to_bytes(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, _Prelude):
        raise TypeError("http_response may only be the first value")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"a streaming handler yields str or bytes, not {type(value).__name__}")
