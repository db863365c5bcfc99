"""A Python function that streams by its runtime's own module."""

import time

from hearth_streaming import http_response, streamify_response


@streamify_response
def handler(event, context):
    mode = event["mode"]
    if mode == "before":
        raise ValueError("never began")
    if mode == "slow":
        yield b"first "
        time.sleep(1)
        yield "sécond"
    if mode == "midway":
        yield "half"
        raise ValueError("no more")


@streamify_response
def web(event, context):
    yield http_response(202, {"content-type": "text/plain", "x-own": "yes"})
    yield "body"
