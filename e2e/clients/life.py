"""A function's whole life by boto3, unmodified: waiters, paginators, streams, exceptions by class.

Prints one JSON object of what it saw; any exception that nobody expected ends it.
"""

import io
import json
import sys
import time
import zipfile

import boto3
from botocore.exceptions import ClientError, ParamValidationError, WaiterError

NAME = "boto"
ROLE = "arn:aws:iam::000000000000:role/test"
SOURCE = """
import json

def handler(event, context):
    if event.get("fail"):
        raise ValueError("no good")
    print("word", event.get("word"))
    return {"word": event.get("word"), "custom": (context.client_context.custom or {})
            if context.client_context else None, "version": context.function_version}
"""
QUICK = {"Delay": 1, "MaxAttempts": 40}
client = boto3.client("lambda", endpoint_url=sys.argv[1])
logs = boto3.client("logs", endpoint_url=sys.argv[1])
seen = {"version": boto3.__version__, "waiters": [], "exceptions": [], "streamed": False}


def package(text):
    """A zip in memory, as Python makes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", text)
    return buffer.getvalue()


def wait(name, **target):
    """Waits until it is so."""
    client.get_waiter(name).wait(WaiterConfig=QUICK, **target)
    seen["waiters"].append(name)


def expect(kind, call, **given):
    """The call must end in this very class of exception."""
    try:
        call(**given)
    except kind as error:
        seen["exceptions"].append(type(error).__name__)
        return error
    raise AssertionError(f"{kind.__name__} did not come")


def create():
    """Made, waited for, and refused a second time."""
    wish = dict(FunctionName=NAME, Runtime="python3.13", Role=ROLE, Handler="app.handler",
                Code={"ZipFile": package(SOURCE)}, Tags={"team": "core"}, Timeout=10)
    made = client.create_function(**wish)
    assert made["State"] == "Pending", made
    wait("function_exists", FunctionName=NAME)
    wait("function_active", FunctionName=NAME)
    wait("function_active_v2", FunctionName=NAME)
    error = expect(client.exceptions.ResourceConflictException, client.create_function, **wish)
    assert error.response["Error"]["Message"] == "Function already exist: " + NAME
    assert error.response["Type"] == "User"


def invoke():
    """Answers, function errors, log tails, client contexts, events, dry runs and streams."""
    context = "eyJjdXN0b20iOnsiYSI6MX19"
    answer = client.invoke(FunctionName=NAME, Payload=b'{"word": "hi"}', LogType="Tail",
                           ClientContext=context)
    body = json.loads(answer["Payload"].read())
    assert body == {"word": "hi", "custom": {"a": 1}, "version": "$LATEST"}, body
    assert answer["StatusCode"] == 200 and answer["ExecutedVersion"] == "$LATEST"
    assert len(answer["LogResult"]) > 40 and "FunctionError" not in answer
    failed = client.invoke(FunctionName=NAME, Payload=b'{"fail": true}')
    assert failed["FunctionError"] == "Unhandled"
    assert json.loads(failed["Payload"].read())["errorType"] == "ValueError"
    event = client.invoke(FunctionName=NAME, InvocationType="Event", Payload=b"{}")
    assert event["StatusCode"] == 202 and event["Payload"].read() == b""
    assert client.invoke(FunctionName=NAME, InvocationType="DryRun")["StatusCode"] == 204
    expect(client.exceptions.InvalidRequestContentException, client.invoke,
           FunctionName=NAME, Payload=b"{")
    expect(client.exceptions.ResourceNotFoundException, client.invoke, FunctionName="nobody")
    if hasattr(client, "invoke_with_response_stream"):
        stream = client.invoke_with_response_stream(FunctionName=NAME, Payload=b'{"word": "s"}')
        events = list(stream["EventStream"])
        chunks = b"".join(one["PayloadChunk"]["Payload"] for one in events if "PayloadChunk" in one)
        assert json.loads(chunks)["word"] == "s", events
        assert "InvokeComplete" in events[-1], events
        seen["streamed"] = True


def update():
    """Changed twice, published, with an alias; and what is refused on the way."""
    variables = {"Variables": {"WORD": "b"}}
    client.update_function_configuration(FunctionName=NAME, Environment=variables)
    wait("function_updated", FunctionName=NAME)
    wait("function_updated_v2", FunctionName=NAME)
    client.update_function_code(FunctionName=NAME, ZipFile=package(SOURCE + "# again\n"))
    wait("function_updated_v2", FunctionName=NAME)
    for number in ("1", "2", "3"):
        if number != "1":
            client.update_function_configuration(FunctionName=NAME, Timeout=10 + int(number))
            wait("function_updated", FunctionName=NAME)
        made = client.publish_version(FunctionName=NAME, Description="number " + number)
        assert made["Version"] == number and made["Description"] == "number " + number, made
        wait("published_version_active", FunctionName=NAME, Qualifier=number)
    client.create_alias(FunctionName=NAME, Name="live", FunctionVersion="2")
    stale = "00000000-0000-4000-8000-000000000000"
    expect(client.exceptions.PreconditionFailedException, client.publish_version,
           FunctionName=NAME, RevisionId=stale)
    expect(client.exceptions.InvalidParameterValueException, client.update_function_code,
           FunctionName=NAME, ZipFile=b"no zip")
    expect(ParamValidationError, client.create_alias, FunctionName=NAME)
    error = expect(ClientError, client.update_function_configuration, FunctionName=NAME,
                   Timeout=5000)
    assert error.response["Error"]["Code"] == "ValidationException", error.response


def page():
    """Every paginator turns its pages and ends."""
    sizes = {"PageSize": 1}
    versions = client.get_paginator("list_versions_by_function").paginate(
        FunctionName=NAME, PaginationConfig=sizes)
    found = [one["Version"] for one in versions.search("Versions[]")]
    assert found == ["$LATEST", "1", "2", "3"], found
    aliases = client.get_paginator("list_aliases").paginate(FunctionName=NAME)
    assert [one["Name"] for one in aliases.search("Aliases[]")] == ["live"]
    everything = client.get_paginator("list_functions").paginate(
        FunctionVersion="ALL", PaginationConfig=sizes)
    assert len(list(everything.search("Functions[]"))) == 4
    seen["pages"] = len(found)


def read_logs():
    """The lines that the function wrote, by the paginator of another client."""
    group = "/aws/lambda/" + NAME
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern='"word hi"')
    for _ in range(40):
        lines = [one["message"] for one in pages.search("events[]")]
        if lines:
            break
        time.sleep(0.1)
    assert lines and lines[0].strip() == "word hi", lines
    expect(logs.exceptions.ResourceNotFoundException, logs.get_log_events,
           logGroupName="/nowhere", logStreamName="a")


def delete():
    """Gone, and told so in every way."""
    client.delete_alias(FunctionName=NAME, Name="live")
    client.delete_function(FunctionName=NAME)
    expect(client.exceptions.ResourceNotFoundException, client.get_function, FunctionName=NAME)
    waiter = client.get_waiter("function_exists")
    expect(WaiterError, waiter.wait, FunctionName=NAME,
           WaiterConfig={"Delay": 1, "MaxAttempts": 1})


for step in (create, invoke, update, page, read_logs, delete):
    step()
print(json.dumps(seen))
