"""The Lambda Runtime API from inside the sandbox: a lean HTTP/1.1 client on one kept-open socket.

An answer and the request for the next invocation leave in one write, so a warm invocation costs
one wake-up a side. It expects what Hearth's own server sends (every answer has a Content-Length)
and nothing more general.
"""

import json
import os
import socket

PREFIX = "/2018-06-01/runtime"
GET_NEXT = f"GET {PREFIX}/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n".encode()
GET_SPECIALISATION = b"GET /hearth/specialisation HTTP/1.1\r\nHost: runtime\r\n\r\n"
GET_RESTORE = f"GET {PREFIX}/restore/next HTTP/1.1\r\nHost: runtime\r\n\r\n".encode()
CHUNK_BYTES = 1 << 20


class RuntimeClient:
    def __init__(self, address):
        """`address` is a unix socket's path, or host:port."""
        if address.startswith("/"):
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._socket.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self._socket = socket.create_connection((host, int(port)))
        self._rest = bytearray()

    def specialisation(self):
        """Waits to be told which function this is: the environment the process would have had."""
        self._socket.sendall(GET_SPECIALISATION)
        _, body = self._receive()
        return json.loads(body)["environment"]

    def restore_next(self):
        """Waits as a snapshot, until an invocation needs it."""
        self._socket.sendall(GET_RESTORE)
        self._receive()

    def next(self):
        """Waits for an invocation: (headers with lower-case names, body)."""
        self._socket.sendall(GET_NEXT)
        return self._receive()

    def respond_and_next(self, request_id, body):
        """Sends a function's answer and returns the next invocation."""
        self._post(f"/invocation/{request_id}/response", body, "", GET_NEXT)
        self._receive()
        return self._receive()

    def fail_and_next(self, request_id, body, error_type):
        """Sends a function's error and returns the next invocation."""
        self._post(f"/invocation/{request_id}/error", body, error_type, GET_NEXT)
        self._receive()
        return self._receive()

    def last_word(self, path, body, error_type):
        """Sends an error that ends this process; returns when the scheduler has it."""
        self._post(path, body, error_type, b"")
        self._receive()

    def begin_stream(self, request_id, content_type):
        """Begins an answer that is sent chunk by chunk."""
        head = (
            f"POST {PREFIX}/invocation/{request_id}/response HTTP/1.1\r\nHost: runtime\r\n"
            f"Content-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
            "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
            "\r\n"
        )
        self._socket.sendall(head.encode("latin-1"))

    def send_chunk(self, chunk):
        """Returns when the system has taken it: a slow client makes this wait."""
        if chunk:
            self._socket.sendall(b"".join((b"%x\r\n" % len(chunk), chunk, b"\r\n")))

    def end_stream_and_next(self, trailers):
        """Ends the answer, well or with an error's trailers, and returns the next invocation."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
        self._socket.sendall(f"0\r\n{lines}\r\n".encode("latin-1") + GET_NEXT)
        self._receive()
        return self._receive()

    def _post(self, path, body, error_type, then):
        kind = f"Lambda-Runtime-Function-Error-Type: {error_type}\r\n" if error_type else ""
        head = (
            f"POST {PREFIX}{path} HTTP/1.1\r\nHost: runtime\r\n"
            f"Content-Type: application/json\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        )
        self._socket.sendall(b"".join((head.encode("latin-1"), body, then)))

    def _receive(self):
        rest = self._rest
        end = rest.find(b"\r\n\r\n")
        while end < 0:
            self._read_more()
            end = rest.find(b"\r\n\r\n")
        headers = {}
        for line in rest[:end].decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        start = end + 4
        length = int(headers.get("content-length", "0"))
        while len(rest) < start + length:
            self._read_more()
        body = bytes(rest[start : start + length])
        del rest[: start + length]
        return headers, body

    def _read_more(self):
        data = self._socket.recv(CHUNK_BYTES)
        if not data:
            # Without the scheduler there is nobody to run for.
            os._exit(1)
        self._rest += data
