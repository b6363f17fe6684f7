"""http_server.py SETTINGS: Python's own http.server, with threads, on all addresses of the settings (JSON).

SIGTERM: first nobody can connect any more, then running requests end, then their connections, then the program.
"""

import http.server
import json
import os
import signal
import socket
import socketserver
import ssl
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

from application import answer

settings = json.loads(sys.argv[1])
stopping = threading.Event()
idle = set()  # connections that wait for a request


class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = settings["idleTimeout"]
    disable_nagle_algorithm = True
    wbufsize = 65536
    served = 0

    def setup(self):
        # Of a UNIX socket the "address" is an empty string.
        self.peer = self.client_address[1] if isinstance(self.client_address, tuple) else None
        self.disable_nagle_algorithm = self.peer is not None
        super().setup()

    def handle_one_request(self):
        idle.add(self.connection)
        try:
            if stopping.is_set():
                self.close_connection = True
            else:
                super().handle_one_request()
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True
        finally:
            idle.discard(self.connection)
        if stopping.is_set():
            self.close_connection = True

    def parse_request(self):
        idle.discard(self.connection)
        return super().parse_request()

    def respond(self):
        url = urlsplit(self.path)
        self.id = parse_qs(url.query).get("id", [""])[0]
        self.served += 1
        if self.served >= settings["requestsPerConnection"]:
            self.close_connection = True
        if int(self.headers.get("Content-Length") or 0) > settings["maxBody"]:
            # The rest is not read: whoever sends it gets a reset.
            self.close_connection = True
            self.send_response(413)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.headers.get("Old") is not None:
            self.protocol_version = "HTTP/1.0"
            self.close_connection = True
        if url.path.startswith("/files/"):
            (super().do_HEAD if self.command == "HEAD" else super().do_GET)()
        else:
            self.application(url)
        self.protocol_version = "HTTP/1.1"

    do_GET = do_HEAD = do_POST = do_PUT = respond

    def application(self, url):
        if url.path == "/app/continue":
            self.send_response_only(100)
            self.end_headers()
        if url.path == "/app/hints":
            self.send_response_only(103)
            self.send_header("Link", "</files/1>; rel=preload")
            self.end_headers()
        status, headers, pieces = answer(self.command, self.path, url.path, self.id, self.body())
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.close_connection and "Connection" not in headers:
            self.send_header("Connection", "close")
        chunked = len(pieces) > 1
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif pieces:
            self.send_header("Content-Length", str(len(pieces[0])))
        self.end_headers()
        for piece in pieces:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def end_headers(self):
        if hasattr(self, "id"):
            self.send_header("X-Id", self.id)
        if self.peer is not None:
            self.send_header("X-Connection", str(self.peer))
        super().end_headers()

    def body(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length") or 0)
        while left:
            piece = self.rfile.read(min(left, 1 << 20))
            if not piece:
                raise ConnectionResetError
            left -= len(piece)
            yield piece

    def log_message(self, *args):
        pass


class Listener(http.server.ThreadingHTTPServer):
    request_queue_size = 1024
    block_on_close = False


class UnixListener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 1024
    block_on_close = False


class TLSListener(Listener):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def finish_request(self, request, address):
        # In the connection's thread: a handshake must not keep others from being accepted.
        try:
            secure = self.context.wrap_socket(request, server_side=True)
        except (ConnectionError, ssl.SSLError):
            return
        super().finish_request(secure, address)
        secure.close()


def main():
    os.chdir(settings["folder"])
    TLSListener.context.load_cert_chain(settings["certificate"], settings["key"])
    listeners = []
    for name, kind in (("tcp", Listener), ("tls", TLSListener), ("unix", UnixListener)):
        address = settings["addresses"][name]
        if name == "unix" and os.path.exists(address):
            os.unlink(address)
        listeners.append(kind(address if name == "unix" else ("127.0.0.1", address), Handler))
    for listener in listeners:
        threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()

    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    for listener in listeners:
        listener.shutdown()
        listener.server_close()
    stopping.set()
    for connection in list(idle):
        try:
            connection.shutdown(socket.SHUT_RD)
        except OSError:
            pass
    deadline = time.monotonic() + 2
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    os._exit(0)


main()
