"""twisted_server.py SETTINGS: Twisted's web server on all addresses of the settings (JSON)."""

import json
import os
import sys
from urllib.parse import parse_qs, urlsplit

from application import answer
from OpenSSL import crypto
from twisted.internet import reactor, ssl, task
from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint, UNIXServerEndpoint
from twisted.web import resource, server, static

settings = json.loads(sys.argv[1])
ports = []


class Request(server.Request):
    refused = draining = False

    def gotLength(self, length):
        # Refused before it is read, and the rest is not read either: whoever sends it gets a reset.
        if length is not None and length > settings["maxBody"]:
            self.refused = True
            self.channel.transport.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            self.channel.loseConnection()
        super().gotLength(length)

    def process(self):
        if self.refused:
            return
        url = urlsplit(self.uri.decode())
        self.id = parse_qs(url.query).get("id", [""])[0]
        self.setHeader(b"X-Id", self.id.encode())
        peer = self.getClientAddress()
        if getattr(peer, "port", None) is not None:
            self.setHeader(b"X-Connection", str(peer.port).encode())
        self.channel.served = getattr(self.channel, "served", 0) + 1
        if self.draining:
            self.setHeader(b"Connection", b"close")
        if self.channel.served >= settings["requestsPerConnection"]:
            # Without a word: the client cannot know that this answer is the connection's last.
            channel = self.channel
            self.notifyFinish().addCallback(lambda _: channel.loseConnection())
        super().process()


class Application(resource.Resource):
    isLeaf = True

    def render(self, request):
        request.content.seek(0)
        url = urlsplit(request.uri.decode())
        body = iter(lambda: request.content.read(1 << 20), b"")
        method = request.method.decode()
        if url.path == "/app/continue":
            request.channel.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if url.path == "/app/hints":
            request.channel.transport.write(b"HTTP/1.1 103 Early Hints\r\nLink: </files/1>; rel=preload\r\n\r\n")
        status, headers, pieces = answer(method, request.uri.decode(), url.path, request.id, body)
        request.setResponseCode(status)
        for name, value in headers.items():
            request.setHeader(name.encode(), value.encode())
        if len(pieces) < 2:
            return b"".join(pieces)
        for piece in pieces:
            request.write(piece)
        request.finish()
        return server.NOT_DONE_YET


class Root(resource.Resource):
    def getChild(self, name, request):
        return Application()


class Files(static.File):
    def getChild(self, name, request):
        child = super().getChild(name, request)
        if not name.endswith(b".txt"):
            return child
        return resource.EncodingResourceWrapper(child, [server.GzipEncoderFactory()])


root = Root()
root.putChild(b"files", Files(os.path.join(settings["folder"], "files"), defaultType="application/octet-stream"))
site = server.Site(root, requestFactory=Request, timeout=settings["idleTimeout"])
site.displayTracebacks = False

addresses = settings["addresses"]
if os.path.exists(addresses["unix"]):
    os.unlink(addresses["unix"])
with open(settings["key"], "rb") as file:
    key = crypto.load_privatekey(crypto.FILETYPE_PEM, file.read())
with open(settings["certificate"], "rb") as file:
    certificate = crypto.load_certificate(crypto.FILETYPE_PEM, file.read())
# Twisted resumes no sessions unless it is told to.
options = ssl.CertificateOptions(privateKey=key, certificate=certificate, enableSessions=True)
for endpoint in (
    TCP4ServerEndpoint(reactor, addresses["tcp"], backlog=1024, interface="127.0.0.1"),
    SSL4ServerEndpoint(reactor, addresses["tls"], options, backlog=1024, interface="127.0.0.1"),
    UNIXServerEndpoint(reactor, addresses["unix"], backlog=1024),
):
    endpoint.listen(site).addCallback(ports.append)


def drain():
    # Nobody can connect any more, and each connection ends with its next answer.
    Request.draining = True
    for port in ports:
        port.stopListening()
    return task.deferLater(reactor, 0.5, lambda: None)


reactor.addSystemEventTrigger("before", "shutdown", drain)
reactor.run()
