"""The life of a Python runtime process: load the handler once, then take invocations one by one.

What goes wrong while loading is told to init/error and ends the process; what a handler raises is
an answer.
"""

import importlib
import json
import os
import sys
import time

import hearth_log
import hearth_snapshot
import hearth_streaming
from hearth_client import RuntimeClient
from hearth_context import LambdaContext
from hearth_errors import RuntimeFailure, describe, encode, user_frames


def run():
    environment = os.environ
    address = environment.get("HEARTH_RUNTIME_SOCKET") or environment["AWS_LAMBDA_RUNTIME_API"]
    client = RuntimeClient(address)
    if environment.get("HEARTH_STEM"):
        _become(client.specialisation())
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    hearth_log.set_up()
    purpose = hearth_snapshot.prepare(environment)
    _set_path(environment)
    try:
        handler = _load(environment.get("_HANDLER", ""))
        hearth_snapshot.take(purpose, client)
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        body, error_type = describe(error, "")
        hearth_log.write_failure(body)
        client.last_word("/init/error", encode(body), error_type)
        sys.exit(1)
    headers, event = client.next()
    while True:
        request_id = hearth_log.request_id = headers["lambda-runtime-aws-request-id"]
        hearth_log.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        if hearth_streaming.is_streaming(handler):
            headers, event = _stream_once(client, handler, headers, event)
            continue
        answer, error_type = _run_once(handler, headers, event)
        hearth_log.mark_end(request_id)
        if error_type:
            headers, event = client.fail_and_next(request_id, answer, error_type)
        else:
            headers, event = client.respond_and_next(request_id, answer)


def _become(environment):
    """A booted runtime turns into one of a function: environment, directory, time zone."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(environment.get("LAMBDA_TASK_ROOT", "/var/task"))
    time.tzset()


def _set_path(environment):
    """The function's own folder first, then layers; the runtime's folder stays behind them."""
    root = environment.get("LAMBDA_TASK_ROOT", "/var/task")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    layers = ["/opt/python", f"/opt/python/lib/python{version}/site-packages"]
    sys.path[:0] = [root, *layers]


def _load(text):
    module_name, dot, function_name = text.rpartition(".")
    if not dot:
        message = f"Bad handler '{text}': not enough values to unpack (expected 2, got 1)"
        raise RuntimeFailure("Runtime.MalformedHandlerName", message)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise RuntimeFailure("Runtime.ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        frame = f'  File "{error.filename}" Line {error.lineno}\n    {error.text}'
        raise RuntimeFailure("Runtime.UserCodeSyntaxError", message, [frame]) from error
    handler = getattr(module, function_name, None)
    if handler is None:
        message = f"Handler '{function_name}' missing on module '{module_name}'"
        raise RuntimeFailure("Runtime.HandlerNotFound", message)
    return handler


def _run_once(handler, headers, event):
    """The answer's bytes and, if it failed, the error's type."""
    request_id = headers["lambda-runtime-aws-request-id"]
    _set_trace(headers)
    try:
        result = handler(_parse(event), LambdaContext(headers))
        return _serialise(result), None
    except Exception as error:
        body, error_type = describe(error, request_id)
        hearth_log.write_failure(body)
        return encode(body), error_type


def _stream_once(client, handler, headers, event):
    """As _run_once, but the answer leaves while it is made. Returns the next invocation."""
    request_id = headers["lambda-runtime-aws-request-id"]
    _set_trace(headers)
    begun = False
    failure = []
    try:
        pieces = hearth_streaming.pieces(handler, _parse(event), LambdaContext(headers))
        client.begin_stream(request_id, next(pieces))
        begun = True
        for piece in pieces:
            client.send_chunk(piece)
    except Exception as error:
        body, error_type = describe(error, request_id)
        hearth_log.write_failure(body)
        if not begun:
            hearth_log.mark_end(request_id)
            return client.fail_and_next(request_id, encode(body), error_type)
        failure = hearth_streaming.trailers(body, error_type)
    hearth_log.mark_end(request_id)
    return client.end_stream_and_next(failure)


def _set_trace(headers):
    trace = headers.get("lambda-runtime-trace-id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    else:
        os.environ.pop("_X_AMZN_TRACE_ID", None)


def _parse(event):
    try:
        return json.loads(event)
    except ValueError as error:
        message = f"Unable to unmarshal input: {error}"
        raise RuntimeFailure("Runtime.UnmarshalError", message) from error


def _serialise(result):
    try:
        return json.dumps(result, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        raise RuntimeFailure("Runtime.MarshalError", message, user_frames(error)) from error
