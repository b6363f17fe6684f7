"""Twisted's Agent with a persistent pool, as a worker: see worker.mjs. Run by Debian's python3 with python3-twisted."""
import json
import resource
import sys
import time

from twisted.internet import reactor, threads
from twisted.web.client import Agent, HTTPConnectionPool, readBody
from twisted.web.http_headers import Headers

DOCUMENT = b'{"id":42,"name":"a small document","tags":["one","two","three"],"price":12.5,"stock":true}'
URL = (sys.argv[1] + "/json").encode()
HEADERS = Headers({"accept": ["application/json"], "accept-encoding": ["gzip, deflate, br"], "user-agent": ["bench"]})

pool = HTTPConnectionPool(reactor, persistent=True)
pool.maxPersistentPerHost = 50
agent = Agent(reactor, pool)


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return (usage.ru_utime + usage.ru_stime) * 1e6


def tell(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def slot(concurrency, ms):
    began, used = time.perf_counter(), cpu()
    until = began + ms / 1000
    latencies = []
    running = [concurrency]

    def start():
        since = time.perf_counter()

        def done(body):
            if body != DOCUMENT:
                raise ValueError("another body")
            now = time.perf_counter()
            latencies.append((now - since) * 1000)
            if now < until:
                start()
            else:
                running[0] -= 1
                if running[0] == 0:
                    finish()

        request = agent.request(b"GET", URL, HEADERS)
        request.addCallback(readBody).addCallback(done)
        request.addErrback(lambda failure: (sys.stderr.write(str(failure)), reactor.stop()))

    def finish():
        latencies.sort()
        tell(
            {
                "work": len(latencies),
                "elapsed": (time.perf_counter() - began) * 1000,
                "cpu": cpu() - used,
                "p50": latencies[len(latencies) // 2],
                "p99": latencies[int(len(latencies) * 0.99)],
            }
        )
        ask()

    for _ in range(concurrency):
        start()


def ask():
    def asked(line):
        if not line:
            reactor.stop()
            return
        question = json.loads(line)
        slot(question["concurrency"], question["ms"])

    threads.deferToThread(sys.stdin.readline).addCallback(asked)


reactor.callWhenRunning(lambda: (tell("ready"), ask()))
reactor.run()
