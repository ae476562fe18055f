#!/usr/bin/env python3
"""Attacks a running exporter, and looks at what that does to a scrape.

    tests/attacks/attacks.py target/release/router_exporter     # some two minutes
    tests/attacks/attacks.py --long target/release/router_exporter
    tests/attacks/attacks.py --only NAME... PROGRAM
    tests/attacks/attacks.py prometheus-node-exporter           # for comparison

The exporter is started on 127.0.0.1. During each attack, all of which come from the address that the
scrapes come from too, it is scraped every second over a kept connection and over a new one, and a
scrape that is not answered with 200 within ten seconds is a failure; so is a process that ends, and
one that has more threads or descriptors after the attack than before, or more memory than SLACK.
The table has the slowest scrape and what the process holds, before and after.
"""

import argparse
import contextlib
import errno
import os
import random
import resource
import select
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time

GET = b"GET /metrics HTTP/1.1\r\nHost: router\r\n\r\n"
SCRAPE_TIMEOUT = 10
# What an allocator may keep for the next time, in kB.
SLACK = 256

ATTACKS = []


def attack(function):
    ATTACKS.append(function)
    return function


class Exporter:
    """The program under attack."""

    def __init__(self, command, nofile=None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = probe.getsockname()
        limit = None
        if nofile:
            def limit():
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, nofile))
        self.process = subprocess.Popen(
            [*command, "--web.listen-address=%s:%d" % self.address],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=limit,
        )
        for _ in range(200):
            with contextlib.suppress(OSError, ValueError):
                scrape(self.address)
                return
            time.sleep(0.05)
        raise SystemExit("the exporter does not answer")

    def holds(self):
        """Resident kB, threads, descriptors."""
        proc = "/proc/%d/" % self.process.pid
        with open(proc + "smaps_rollup") as rollup:
            resident = next(int(line.split()[1]) for line in rollup if line.startswith("Rss:"))
        return resident, len(os.listdir(proc + "task")), len(os.listdir(proc + "fd"))

    def is_alive(self):
        return self.process.poll() is None

    def end(self):
        self.process.kill()
        self.process.wait()


def read_answer(sock):
    """Status and body of one answer."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionResetError("closed before the answer")
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = None
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if length is None:  # node_exporter's long pages are chunked
        while not body.endswith(b"0\r\n\r\n"):
            piece = sock.recv(65536)
            if not piece:
                raise ConnectionResetError("closed in the body")
            body += piece
        return status, body
    while len(body) < length:
        piece = sock.recv(65536)
        if not piece:
            raise ConnectionResetError("closed in the body")
        body += piece
    return status, body


def connect(address, receive_buffer=None):
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(SCRAPE_TIMEOUT)
    sock.connect(address)
    return sock


def scrape(address, sock=None):
    """One scrape over a new connection, or a kept one."""
    with contextlib.ExitStack() as stack:
        if sock is None:
            sock = stack.enter_context(connect(address))
        sock.sendall(GET)
        status, body = read_answer(sock)
        if status != 200 or b"\nnode_load1 " not in body:
            raise ValueError("status %d" % status)


class Scraper(threading.Thread):
    """Scrapes every second, as Prometheus does: what fails on a kept connection before its answer
    begins is tried again over a new one."""

    def __init__(self, address, kept):
        super().__init__(daemon=True)
        self.address, self.kept = address, kept
        self.times, self.failures = [], []
        self.over = threading.Event()
        self.start()

    def run(self):
        sock = None
        while not self.over.is_set():
            began = time.monotonic()
            try:
                if self.kept:
                    try:
                        sock = sock or connect(self.address)
                        scrape(self.address, sock)
                    except OSError:
                        sock = connect(self.address)
                        scrape(self.address, sock)
                else:
                    scrape(self.address)
            except (OSError, ValueError) as error:
                self.failures.append(str(error) or type(error).__name__)
                sock = None
            self.times.append(time.monotonic() - began)
            self.over.wait(max(0, 1 - (time.monotonic() - began)))
        if sock:
            sock.close()


class Crowd:
    """Many sockets that are not waited for."""

    def __init__(self, address):
        self.address = address
        self.socks = []

    def join(self, receive_buffer=None, source=None):
        sock = socket.socket()
        if source:
            sock.bind((source, 0))
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect(self.address)
        self.socks.append(sock)
        return sock

    def send(self, sock, data):
        """Bytes sent; -1 if the connection is gone."""
        try:
            return sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            return 0 if error.errno == errno.ENOTCONN else -1

    def replace(self, sock, **options):
        self.socks.remove(sock)
        sock.close()
        return self.join(**options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for sock in self.socks:
            sock.close()


def until(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield end - time.monotonic()


def one_by_one(address, requests, seconds):
    """Sends each request over a connection of its own, again and again."""
    for _ in until(seconds):
        for request in requests:
            with contextlib.suppress(OSError), connect(address) as sock:
                sock.settimeout(1)
                sock.sendall(request)
                sock.recv(65536)


# What kills or hangs tiny_http::Server ------------------------------------------------------------

@attack
def http2(address, seconds):
    """HTTP/2.0 and the preface of h2c"""
    one_by_one(address, [
        b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00",
    ], seconds)


@attack
def length_without_body(address, seconds):
    """Content-Length: 5000, and no body"""
    hold(address, b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n", 100, seconds)


@attack
def length_of_two_gigabytes(address, seconds):
    """Content-Length: 2000000000"""
    one_by_one(address, [b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000000\r\n\r\n"], seconds)


@attack
def reset(address, seconds):
    """a request, then a reset"""
    for _ in until(seconds):
        with contextlib.suppress(OSError), connect(address) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.sendall(GET)


@attack
def te_of_nan(address, seconds):
    """TE with q-values that are no number"""
    te = b", ".join(b"x%d;q=nan" % number for number in range(40))
    one_by_one(address, [b"GET / HTTP/1.1\r\nHost: a\r\nTE: " + te + b"\r\n\r\n"], seconds)


def hold(address, request, count, seconds):
    """Keeps `count` connections open that sent `request`, opening each anew when it is closed."""
    with Crowd(address) as crowd:
        waiting = {}
        for left in until(seconds):
            while len(waiting) < count:
                waiting[crowd.join()] = request
            for sock in list(waiting):
                if waiting[sock]:
                    sent = crowd.send(sock, waiting[sock])
                    if sent > 0:
                        waiting[sock] = waiting[sock][sent:]
            readable, _, _ = select.select(list(waiting), [], [], min(left, 0.02))
            for sock in readable:
                try:
                    gone = not sock.recv(65536)
                except BlockingIOError:
                    gone = False
                except OSError:
                    gone = True
                if gone:
                    del waiting[sock]
                    crowd.socks.remove(sock)
                    sock.close()


@attack
def idle(address, seconds):
    """500 connections that say nothing"""
    with Crowd(address) as crowd:
        for _ in range(500):
            crowd.join()
        time.sleep(seconds)


@attack
def idle_again(address, seconds):
    """the same, and each that is dropped comes again"""
    hold(address, b"", 500, seconds)


@attack
def byte_a_second(address, seconds):
    """200 heads that come at a byte a second"""
    with Crowd(address) as crowd:
        for _ in range(200):
            crowd.join()
        at = 0
        for left in until(seconds):
            for sock in list(crowd.socks):
                if crowd.send(sock, GET[at % 20:at % 20 + 1]) < 0:
                    crowd.replace(sock)
            at += 1
            time.sleep(min(left, 1))


@attack
def huge_head(address, seconds):
    """heads of 100 MB"""
    block = b"X: " + b"y" * 65000 + b"\r\n"
    for _ in until(seconds):
        with contextlib.suppress(OSError), connect(address) as sock:
            sock.settimeout(1)
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
            for _ in range(1600):
                sock.sendall(block)


@attack
def many_large_heads(address, seconds):
    """64 heads that stop short of the limit"""
    hold(address, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 8100, 64, seconds)


@attack
def pipelines_never_read(address, seconds):
    """60 pipelines of scrapes whose answers nobody reads, from another address (from one and the same
    it is --web.max-requests that answers, with 503)"""
    with Crowd(address) as crowd:
        for _ in range(60):
            crowd.join(source="127.0.0.2")
        for left in until(seconds):
            for sock in list(crowd.socks):
                if crowd.send(sock, GET * 100) < 0:
                    crowd.replace(sock, source="127.0.0.2")
            time.sleep(min(left, 0.05))


# Beyond that --------------------------------------------------------------------------------------

@attack
def slow_readers(address, seconds):
    """60 readers that take a byte a second"""
    read_slowly(address, lambda number: GET, seconds)


@attack
def slow_readers_of_many_pages(address, seconds):
    """60 of them, each of a page of its own"""
    read_slowly(address, lambda number: GET.replace(b"/metrics", b"/metrics?page=%d" % number), seconds)


def read_slowly(address, request, seconds):
    with Crowd(address) as crowd:
        asked = set()
        for number in range(60):
            crowd.join(receive_buffer=1024)
        for left in until(seconds):
            for number, sock in enumerate(list(crowd.socks)):
                if sock not in asked and crowd.send(sock, request(number)) > 0:
                    asked.add(sock)
                try:
                    gone = sock in asked and not sock.recv(1)
                except BlockingIOError:
                    gone = False
                except OSError:
                    gone = True
                if gone:
                    asked.discard(sock)
                    crowd.replace(sock, receive_buffer=1024)
            time.sleep(min(left, 1))


@attack
def half_open(address, seconds):
    """clients that end their half at once, or in the middle of a request"""
    with Crowd(address) as crowd:
        for number, _ in enumerate(until(seconds)):
            sock = crowd.join()
            time.sleep(0.001)
            if number % 2:
                crowd.send(sock, GET[:20])
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
            if len(crowd.socks) > 400:
                crowd.socks.pop(0).close()


@attack
def ten_thousand_connects(address, seconds):
    """10,000 connections, as fast as they can be opened, 200 of them open at a time"""
    with Crowd(address) as crowd:
        for _ in range(10_000):
            crowd.join()
            if len(crowd.socks) > 200:
                crowd.socks.pop(0).close()


@attack
def garbage(address, seconds):
    """bytes by chance, and requests with some of theirs changed"""
    chance = random.Random(5)
    requests = []
    for _ in range(200):
        requests.append(chance.randbytes(chance.randrange(1, 2000)) + b"\r\n\r\n")
        changed = bytearray(GET)
        for _ in range(3):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        requests.append(bytes(changed) + b"\r\n\r\n")
    for _ in until(seconds):
        for request in requests:
            with contextlib.suppress(OSError), connect(address) as sock:
                sock.sendall(request)


@attack
def smuggling(address, seconds):
    """requests that two readers would end at different places: one answer at most, and no page"""
    hidden = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
    length = b"Content-Length: %d\r\n" % len(hidden)
    requests = [b"GET /absent HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n" + rest for headers, rest in [
        (length + b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + hidden),
        (b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n" + hidden),
        (b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n" + hidden),
        (b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n" + hidden),
        (length + b"Content-Length: 0\r\n", hidden),
        (b"Content-Length: +%d\r\n" % len(hidden), hidden),
        (b"Content-Length: 0x%x\r\n" % len(hidden), hidden),
        (b"Content-Length: %d, %d\r\n" % (len(hidden), len(hidden)), hidden),
        (b"X: y\r\n Content-Length: %d\r\n" % len(hidden), hidden),
        (b"X: y\x00\r\n" + length, hidden),
        (length, hidden),
    ]]
    for request in requests:
        with connect(address) as sock:
            answer = b""
            # A server that closes with bytes unread resets the connection, perhaps before the shutdown.
            with contextlib.suppress(OSError):
                sock.sendall(request)
                sock.shutdown(socket.SHUT_WR)
                while piece := sock.recv(65536):
                    answer += piece
            if answer.count(b"HTTP/1.1 ") > 1 or b"node_load1" in answer:
                raise AssertionError("two answers to %r" % request)
    one_by_one(address, requests, seconds)


@attack
def path_tricks(address, seconds):
    """paths that mean /metrics to somebody else"""
    paths = [
        b"//metrics", b"/%2e%2e/metrics", b"/../metrics", b"/./metrics", b"/metrics/", b"/metrics%00", b"/%6detrics",
        b"/metrics;x", b"/METRICS", b"/metrics#x", b"\\metrics", b"/x/../metrics", b"http:///metrics/x",
        b"http://a//metrics", b"file:///etc/passwd", b"/../../../../etc/passwd",
    ]
    requests = [b"GET " + path + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" for path in paths]
    for request in requests:
        with connect(address) as sock:
            answer = b""
            with contextlib.suppress(ConnectionResetError):
                sock.sendall(request)
                answer = sock.recv(65536)
            if b" 200 " in answer.split(b"\r\n")[0] or b"root:" in answer:
                raise AssertionError("%r was served" % request)
    one_by_one(address, requests, seconds)


@attack
def one_byte_segments(address, seconds):
    """requests of one-byte segments"""
    for _ in until(seconds):
        with contextlib.suppress(OSError), connect(address) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in GET:
                sock.sendall(bytes([byte]))
            read_answer(sock)


@attack
def every_ten_milliseconds(address, seconds):
    """a scrape every 10 ms over a kept connection"""
    with connect(address) as sock:
        for _ in until(seconds * LONG_FACTOR):
            scrape(address, sock)
            time.sleep(0.01)


@attack
def all_at_once(address, seconds):
    """20 threads that scrape as fast as they can"""
    scrape_at_once(address, lambda: GET, seconds)


@attack
def all_at_once_and_apart(address, seconds):
    """the same, each time another page"""
    chance = random.Random(6)
    scrape_at_once(address, lambda: GET.replace(b"cs", b"cs?%d" % chance.randrange(10**9)), seconds)


def scrape_at_once(address, request, seconds):
    def run():
        for _ in until(seconds):
            with contextlib.suppress(OSError, ValueError), connect(address) as sock:
                sock.sendall(request())
                read_answer(sock)
    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


LONG_FACTOR = 1


def report(name, scrapers, before, after, failures):
    times = [time for scraper in scrapers for time in scraper.times]
    slowest = max(times, default=0) * 1000
    values = " ".join("%9s" % ("%d" % old if old == new else "%d→%d" % (old, new)) for old, new in zip(before, after))
    print("%-28s %4d %8.1f  %s  %s" % (name, len(times), slowest, values, "; ".join(failures) or "well"), flush=True)


def apart(function, *arguments):
    """Calls a function in a process of its own, which yields the processor to the exporter and to the
    scrapes: attackers have machines of their own. Returns what went wrong."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        os.nice(10)
        try:
            function(*arguments)
        except (AssertionError, OSError, ValueError) as error:
            os.write(writer, (str(error) or type(error).__name__).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as failure:
        text = failure.read()
    os.waitpid(child, 0)
    return [text] if text else []


def settled(exporter, before):
    """What the exporter holds, once it has found out that the clients are gone, and what a collector
    asked for has been answered."""
    for _ in range(50):
        after = exporter.holds()
        if after[1] <= before[1] and after[2] <= before[2]:
            break
        with contextlib.suppress(OSError, ValueError):
            scrape(exporter.address)
        time.sleep(0.1)
    return after


def run(name, exporter, seconds, function, descriptors=True):
    """Runs one attack. Returns whether all went well."""
    # A scrape before, as it may open files that are kept. It may be refused while the exporter finds
    # out that the clients of the attack before are gone.
    failures = []
    for _ in until(SCRAPE_TIMEOUT):
        try:
            scrape(exporter.address)
            break
        except (OSError, ValueError) as error:
            failures = ["before: " + str(error)]
            time.sleep(0.1)
    else:
        report(name, [], exporter.holds(), exporter.holds(), failures)
        return False
    time.sleep(0.2)
    before = exporter.holds()
    scrapers = [Scraper(exporter.address, kept) for kept in (True, False)]
    failures = apart(function, exporter.address, seconds)
    for scraper in scrapers:
        scraper.over.set()
    for scraper in scrapers:
        scraper.join()
        failures += sorted({"scrape: " + failure for failure in scraper.failures})
    if not exporter.is_alive():
        report(name, scrapers, before, (0, 0, 0), failures + ["the process ended: %s" % exporter.process.returncode])
        return False
    after = settled(exporter, before)
    if after[0] > before[0] + SLACK:
        failures.append("memory")
    if after[1] > before[1]:
        failures.append("threads")
    if descriptors and after[2] > before[2]:
        failures.append("descriptors")
    report(name, scrapers, before, after, failures)
    return not failures


def few_descriptors(command, nofile, seconds):
    """`ulimit -n`, and more connections than that."""
    exporter = Exporter(command, nofile)
    try:
        # The exporter keeps as many files open as it may, which is now more and now less.
        return run("ulimit_%d" % nofile, exporter, seconds, idle_again, descriptors=False)
    finally:
        exporter.end()


def flat(exporter, count):
    """`count` scrapes in a row leave memory and descriptors as they were."""
    with connect(exporter.address) as sock:
        for _ in range(1000):
            scrape(exporter.address, sock)
        before = exporter.holds()
        began = time.monotonic()
        for _ in range(count):
            scrape(exporter.address, sock)
        each = (time.monotonic() - began) / count
        after = settled(exporter, before)
    print("%d scrapes in a row, %.2f ms each: resident kB, threads, descriptors %s before, %s after"
          % (count, each * 1000, before, after), flush=True)
    # The kernel takes pages of a file away and gives them back; what leaks, leaks eight bytes a scrape.
    return after[0] < before[0] + 8 * count / 1024 and after[1] <= before[1] and after[2] <= before[2]


def latency(exporter):
    """A kept connection waits for nobody's delayed acknowledgement."""
    times = []
    with connect(exporter.address) as sock:
        for _ in range(200):
            began = time.monotonic()
            scrape(exporter.address, sock)
            times.append(time.monotonic() - began)
    times.sort()
    print("kept connection: half of the scrapes within %.2f ms, all within %.2f ms"
          % (times[100] * 1000, times[-1] * 1000), flush=True)
    return times[100] < 0.04


def main():
    global LONG_FACTOR
    parser = argparse.ArgumentParser()
    parser.add_argument("program", help="the exporter, perhaps with an emulator before it")
    parser.add_argument("--long", action="store_true", help="15 seconds for each attack, twice, and 100,000 scrapes")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--scrapes", type=int)
    arguments = parser.parse_args()
    command = shlex.split(arguments.program)
    seconds = arguments.seconds or (15 if arguments.long else 3)
    LONG_FACTOR = 4 if arguments.long else 2
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    print("%-28s %4s %8s  %9s %9s %9s" % ("attack", "n", "slowest", "kB", "threads", "fds"))
    well = True
    exporter = Exporter(command)
    try:
        for turn in range(2 if arguments.long else 1):
            for function in ATTACKS:
                if arguments.only and function.__name__ not in arguments.only:
                    continue
                if not exporter.is_alive():
                    exporter = Exporter(command)
                well &= run(function.__name__, exporter, seconds, function)
        if not arguments.only:
            for nofile in (16, 32):
                well &= few_descriptors(command, nofile, seconds)
            well &= latency(exporter)
            well &= flat(exporter, arguments.scrapes or (100_000 if arguments.long else 10_000))
    finally:
        exporter.end()
    print("all well" if well else "NOT WELL")
    sys.exit(not well)


main()
