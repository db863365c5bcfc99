# Tells what it finds under /opt, and which libraries it can load by their names alone.

import base64, ctypes, glob, re, dep

def handler(event, context):
    if event.get("give"):
        with open(glob.glob("/lib/*/libdl.so.2")[0], "rb") as file:
            return base64.b64encode(file.read()).decode()
    libraries = []
    if event.get("load"):
        for name in ("libhearthown.so", "libhearthlayer.so"):
            ctypes.CDLL(name)
        with open("/proc/self/maps") as maps:
            libraries = sorted(set(re.findall(r"\S+/libhearth\w+\.so", maps.read())))
    return {"dep": dep.NAME, "file": dep.__file__, "libraries": libraries}
