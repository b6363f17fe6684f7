"""What backend.ts answers below /app/, for the servers of Python. Each answer is (status, headers, list of pieces)."""

import hashlib
import json
import threading

_executions = {}
_lock = threading.Lock()


def text(body, **headers):
    return 200, headers, [body.encode()]


def answer(method, uri, path, id, body):
    """Of a body: None, or its pieces as they come. Two pieces or more are to be sent in chunks."""
    if path == "/empty":
        return 204, {}, []
    if path == "/moved":
        return 302, {"Location": "/files/1"}, [b""]
    if path == "/app/id":
        whole = f"{method} {id} {uri}".encode()
        pieces = [whole] if int(id) % 2 == 0 else [whole[:5], whole[5:]]
        return 200, {"Content-Type": "application/octet-stream"}, pieces
    if path == "/app/echo":
        with _lock:
            _executions[id] = _executions.get(id, 0) + 1
        total, length = hashlib.sha1(), 0
        for piece in body:
            total.update(piece)
            length += len(piece)
        return text(json.dumps({"id": id, "length": length, "sha1": total.hexdigest()}))
    if path == "/app/executions":
        with _lock:
            return text(json.dumps(_executions))
    if path == "/app/hints":
        return text("hinted")
    if path == "/app/continue":
        return text("continued")
    if path == "/app/close":
        return text("closing", Connection="close")
    return 404, {}, [b""]
