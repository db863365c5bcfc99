"""The function's log, as AWS's Python runtime writes it: the root logger's format, and failure reports."""

import json
import logging
import os
import sys
import time

_LEVELS = {"TRACE": logging.DEBUG, "FATAL": logging.CRITICAL}
_NO_BREAK_SPACE = "\u00a0"
_STANDARD = set(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {
    "aws_request_id",
    "tenant_id",
    "message",
    "asctime",
}

request_id = ""
tenant_id = None
_json = False


class _RequestId(logging.Filter):
    def filter(self, record):
        record.aws_request_id = request_id
        record.tenant_id = tenant_id
        return True


class _JsonFormatter(logging.Formatter):
    def format(self, record):
        line = {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created)),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
            "requestId": record.aws_request_id,
        }
        if record.tenant_id is not None:
            line["tenantId"] = record.tenant_id
        if record.exc_info:
            line["stackTrace"] = self.formatException(record.exc_info).splitlines()
            line["errorType"] = record.exc_info[0].__name__
            line["errorMessage"] = str(record.exc_info[1])
            line["location"] = f"{record.pathname}:{record.funcName}:{record.lineno}"
        extra = {key: value for key, value in vars(record).items() if key not in _STANDARD}
        return json.dumps(extra | line, default=str, ensure_ascii=False)


class _Output(logging.Handler):
    def emit(self, record):
        write_out(self.format(record))


def set_up():
    """Gives the root logger AWS's handler, in the form that the environment asks for."""
    global _json
    _json = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"
    handler = _Output()
    handler.addFilter(_RequestId())
    if _json:
        handler.setFormatter(_JsonFormatter())
        level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "")
        if level:
            logging.root.setLevel(_LEVELS.get(level, level))
    else:
        text = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
        formatter = logging.Formatter(text, "%Y-%m-%dT%H:%M:%S")
        formatter.converter = time.gmtime
        handler.setFormatter(formatter)
    logging.root.addHandler(handler)


def write_failure(body):
    """An error that the platform reports: one event, its frames indented as AWS does."""
    if _json:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        write_out(json.dumps({"timestamp": now, "log_level": "ERROR", **body}, ensure_ascii=False))
        return
    lines = [f"[ERROR] {body['errorType']}: {body['errorMessage']}"]
    if body["stackTrace"]:
        lines.append("Traceback (most recent call last):")
        for frame in body["stackTrace"]:
            lines += [_indented(line) for line in frame.rstrip("\n").split("\n")]
    write_out("\n".join(lines))


def _indented(line):
    text = line.lstrip(" ")
    return _NO_BREAK_SPACE * (len(line) - len(text)) + text


def write_out(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def mark_end(of_request):
    """Tells the scheduler where in the stream this invocation's log ends."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(1, f"\0END {of_request}\n".encode())
