"""Strangers who do not mean well: mutated messages and frames, connections that only stand there,
readers that do not read.  The service stays up, answers others meanwhile, and ends well, which
under a sanitizer says that nothing was touched that should not be.

Random choices are seeded: KINDRED_FUZZ_SEED; KINDRED_FUZZ_ROUNDS says how many of each kind.
"""

import os
import random
import resource
import socket
import struct
import threading
import time

import kindred_server as ks
from kindred_server import Server, image_pb2, ingest_pb2, manage_pb2, search_pb2

import grpc

SEED = int(os.environ.get("KINDRED_FUZZ_SEED", "20261124"))
ROUNDS = int(os.environ.get("KINDRED_FUZZ_ROUNDS", "400"))

SERVICE = "/kindred.v1.KindredService/"
HEALTH = "/grpc.health.v1.Health/Check"
MESSAGE_BYTES = 8 << 20  # the server's bound
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = \
    range(10)

# What a call may end with when its message is nonsense; anything else is a fault of ours.
FAIR = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED,
        grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.ABORTED}


# --- messages ---

def examples():
    """A valid request of each method that leaves the archive be."""
    picture = ks.png(32, 24, lambda x, y: (7 * x + 11 * y) % 256)
    return {
        "Search": [
            search_pb2.SearchRequest(uid="1.2.3", k=3, where="modality = CT and not (a in (b, c))"),
            search_pb2.SearchRequest(image=picture, region=[image_pb2.Region(x=1, y=1, width=9,
                                                                             height=9)],
                                     mask=[picture], explain=True),
            search_pb2.SearchRequest(vector=search_pb2.Vector(values=[0.5] * 64, model="x"),
                                     not_same_patient=True, patient_id="p", by=4, recall=0.5,
                                     way="two-stage scan")],
        "Get": [manage_pb2.GetRequest(uid="SYN-0001", limit=5, include_embeddings=True)],
        "Thumbnail": [manage_pb2.ThumbnailRequest(sop_instance_uid="1.2", frame=1, max_side=64)],
        "Stats": [manage_pb2.StatsRequest(values_of=["modality", "diagnosis"])],
        "SearchMany": [search_pb2.SearchManyRequest(
            tag=7, search=search_pb2.SearchRequest(uid="1.2.3", k=3))],
        "Ingest": [ingest_pb2.IngestRequest(start=ingest_pb2.FileStart(
            name="a.png", size=9, fields=[image_pb2.Label(name="diagnosis", value="x")])),
            ingest_pb2.IngestRequest(chunk=picture)],
        "Delete": [manage_pb2.DeleteRequest(uid="no such image")],
        "SetOutcome": [manage_pb2.SetOutcomeRequest(uid="no such image", outcome="well")],
        "Backup": [manage_pb2.BackupRequest(name="../../etc")],
        "Reindex": [manage_pb2.ReindexRequest(index_kind="cube", recall_bound=2, model=3,
                                              rebuild=True, memory_max=1 << 30)],
    }


def mutate(numbers, data):
    """A few changes: bits, bytes, pieces taken out, doubled, or put in from nowhere."""
    data = bytearray(data)
    for _ in range(numbers.randrange(1, 6)):
        at = numbers.randrange(len(data) + 1)
        kind = numbers.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << numbers.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = numbers.choice((0, 1, 0x7F, 0x80, 0xFF))
        elif kind == 2:
            del data[at:at + numbers.randrange(1, 9)]
        elif kind == 3:
            data[at:at] = data[at:at + numbers.randrange(1, 40)]
        elif kind == 4:
            data[at:at] = numbers.randbytes(numbers.randrange(1, 9))
        else:  # a length that promises much
            data[at:at] = b"\x0a" + b"\xff" * numbers.randrange(1, 9) + b"\x7f"
    return bytes(data)


# --- frames ---

def frame(kind, flags, stream, body):
    return struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body


def kinds(data):
    """Of the whole frames in what a server sent."""
    at = 0
    while at + 9 <= len(data):
        length = int.from_bytes(data[at:at + 3], "big")
        if at + 9 + length > len(data):
            return
        yield data[at + 3]
        at += 9 + length


def literal(name, value):
    """A header without the tables (RFC 7541, 6.2.2), short ones only."""
    return b"\x00" + bytes([len(name)]) + name + bytes([len(value)]) + value


def call_headers(path):
    return b"".join(literal(name, value) for name, value in (
        (b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"x"),
        (b"te", b"trailers"), (b"content-type", b"application/grpc")))


def conversation(numbers, message):
    """Frames that make a good call, now and then with strange company."""
    frames = [frame(SETTINGS, 0, 0, b""),
              frame(HEADERS, 4, 1, call_headers(HEALTH.encode())),
              frame(DATA, 1, 1, b"\x00" + struct.pack(">I", len(message)) + message)]
    strange = [frame(PING, 0, 0, numbers.randbytes(8)),
               frame(WINDOW_UPDATE, 0, numbers.randrange(4), struct.pack(">I", 0x7FFFFFFF)),
               frame(RST_STREAM, 0, 1, struct.pack(">I", numbers.randrange(16))),
               frame(PRIORITY, 0, 3, numbers.randbytes(5)),
               frame(CONTINUATION, 4, 1, b""),
               frame(PUSH, 4, 1, numbers.randbytes(8)),
               frame(GOAWAY, 0, 0, numbers.randbytes(8)),
               frame(numbers.randrange(256), numbers.randrange(256), numbers.randrange(9),
                     numbers.randbytes(numbers.randrange(64))),
               frame(SETTINGS, 0, 0, struct.pack(">HI", numbers.randrange(9),
                                                 numbers.getrandbits(32)))]
    for _ in range(numbers.randrange(4)):
        frames.insert(numbers.randrange(len(frames) + 1), numbers.choice(strange))
    return frames


class Hostile(ks.RemoteCase):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.samples_archive(cls.folder.path)
        cls.some_uid = ks.exported(cls.archive)[0]["sop_instance_uid"]

    def setUp(self):
        self.server = Server(self.archive, server__stall=3, server__handshake=3, server__idle=600,
                             server__message_bytes=MESSAGE_BYTES)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.stub = self.server.stub()
        self.images = self.stub.Stats(manage_pb2.StatsRequest(), timeout=60).images

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=30)

    def assert_answers_others(self, what):
        """Another client is answered, and nothing was lost or gained."""
        self.assertIsNone(self.server.process.poll(), f"the server died of {what}")
        response = self.stub.Search(search_pb2.SearchRequest(uid=self.some_uid, k=3), timeout=60)
        self.assertEqual(len(response.results), 3)
        self.assertEqual(self.stub.Stats(manage_pb2.StatsRequest(), timeout=60).images, self.images)

    def test_mutated_messages(self):
        numbers = random.Random(SEED)
        requests = {method: [m.SerializeToString() for m in messages]
                    for method, messages in examples().items()}
        channel = self.server.channel()
        calls = {method: channel.unary_unary(SERVICE + method) for method in requests}
        for method in ("SearchMany", "Ingest", "Reindex"):
            calls[method] = channel.stream_stream(SERVICE + method)
        seen = {}
        for number in range(ROUNDS):
            method = numbers.choice(sorted(requests))
            messages = [mutate(numbers, data) for data in requests[method]]
            try:
                if method in ("SearchMany", "Ingest", "Reindex"):
                    sent = messages if method != "Reindex" else messages[:1]
                    list(calls[method](iter(sent), timeout=20))
                else:
                    calls[method](numbers.choice(messages), timeout=20)
                code = grpc.StatusCode.OK
            except grpc.RpcError as failure:
                code = failure.code()
                details = failure.details()
                self.assertIn(code, FAIR, f"round {number}, {method}: {details}")
            seen[code] = seen.get(code, 0) + 1
        self.assertGreater(seen.get(grpc.StatusCode.INVALID_ARGUMENT, 0), ROUNDS // 20)
        # A mutated file may have been a picture all the same: it counts as one.
        self.images = self.stub.Stats(manage_pb2.StatsRequest(), timeout=60).images
        self.assert_answers_others("mutated messages")

    def test_sub_messages_without_end(self):
        """4 MB of empty sub-messages would unpack to a hundred times that."""
        channel = self.server.channel()
        empty = b"\x1a\x00" * (2 * 1024 * 1024 - 64)
        call = channel.stream_unary(SERVICE + "Ingest")
        start = b"\x0a" + varint(len(empty)) + empty
        self.assert_status(grpc.StatusCode.RESOURCE_EXHAUSTED, "",
                           lambda: call(iter([start]), timeout=60))
        nested = b""
        for _ in range(20000):  # unknown to the message, but nested all the same
            nested = b"\x7a" + varint(len(nested)) + nested if len(nested) < 60000 else nested
        self.assert_status(grpc.StatusCode.INVALID_ARGUMENT, "",
                           lambda: channel.unary_unary(SERVICE + "Search")(nested, timeout=60))
        self.assert_answers_others("a bomb")

    def test_mutated_frames(self):
        numbers = random.Random(SEED + 1)
        for number in range(ROUNDS):
            stream = PREFACE + b"".join(conversation(numbers, b""))
            if number % 4:
                stream = mutate(numbers, stream) if number % 2 else \
                    PREFACE + mutate(numbers, stream[len(PREFACE):])
            with self.connect() as wire:
                wire.settimeout(0.02)
                try:
                    wire.sendall(stream)
                    while wire.recv(65536):
                        pass
                except (TimeoutError, ConnectionError):
                    pass
            if number % 100 == 0:
                self.assert_answers_others("mutated frames")
        self.assert_answers_others("mutated frames")

    def test_random_bytes(self):
        numbers = random.Random(SEED + 2)
        for number in range(ROUNDS // 4):
            with self.connect() as wire:
                wire.settimeout(0.02)
                try:
                    wire.sendall((PREFACE if number % 2 else b"") +
                                 numbers.randbytes(numbers.randrange(1, 20000)))
                    while wire.recv(65536):
                        pass
                except (TimeoutError, ConnectionError):
                    pass
        self.assert_answers_others("random bytes")

    def test_headers_without_end(self):
        """16 MB of header fields for one call.  gRPC 1.51 keeps them until the block ends and only
        then finds them too many: that costs memory, which is why strangers must not get this far
        (beyond loopback TLS asks for their certificate first).  Others are answered meanwhile, and
        the call is refused."""
        with self.connect() as wire:
            wire.settimeout(30)
            sent, answer = 0, b""
            try:
                wire.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") +
                             frame(HEADERS, 1, 1, call_headers(HEALTH.encode())))
                while sent < 16 << 20:
                    piece = b"".join(literal(b"x-%05d" % i, b"y" * 100) for i in range(100))
                    wire.sendall(frame(CONTINUATION, 0, 1, piece))
                    sent += len(piece)
                self.assert_answers_others("headers without end")
                wire.sendall(frame(CONTINUATION, 4, 1, literal(b"x", b"y")))
                while not any(kind in (RST_STREAM, GOAWAY, HEADERS) for kind in kinds(answer)):
                    piece = wire.recv(65536)
                    if not piece:
                        break
                    answer += piece
            except (TimeoutError, ConnectionError):
                pass
            self.assertNotIn(DATA, kinds(answer), "the call was answered")
        self.assert_answers_others("headers without end")

    def test_oversized_message(self):
        call = self.server.channel().unary_unary(SERVICE + "Search")
        self.assert_status(grpc.StatusCode.RESOURCE_EXHAUSTED, "",
                           lambda: call(bytes(MESSAGE_BYTES + 1), timeout=120))
        # A length that is only promised: the frames behind it never come.
        with self.connect() as wire:
            wire.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") +
                         frame(HEADERS, 4, 1, call_headers(SERVICE.encode() + b"Search")) +
                         frame(DATA, 0, 1, b"\x00\xff\xff\xff\xff" + bytes(100)))
            self.assert_answers_others("a promise of 4 GB")

    def test_a_thousand_idle_connections(self):
        idle = [self.connect() for _ in range(1000)]
        try:
            for number, wire in enumerate(idle):
                if number % 2:  # half of them begin to speak
                    wire.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
            for _ in range(20):
                self.assert_answers_others("idle connections")
        finally:
            for wire in idle:
                wire.close()
        self.assert_answers_others("a thousand goodbyes")

    def test_half_open(self):
        """A call begun and never ended, a stream whose client fell silent: both are given up."""
        wires = []
        for _ in range(30):
            wire = self.connect()
            wire.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") +
                         frame(HEADERS, 4, 1, call_headers(SERVICE.encode() + b"Ingest")) +
                         frame(DATA, 0, 1, b"\x00\x00\x00"))
            wires.append(wire)
        self.assert_answers_others("calls that only began")
        # After the stall (3 s here) their places are free again.
        time.sleep(4)
        self.assertEqual(self.server.running("ingest"), 0)
        for wire in wires:
            wire.close()

    def test_slow_readers(self):
        """Streams of queries whose answers nobody takes: their senders are held back, others are
        not, and at last the streams are given up."""
        request = search_pb2.SearchManyRequest(
            search=search_pb2.SearchRequest(uid=self.some_uid, k=200)).SerializeToString()
        message = b"\x00" + struct.pack(">I", len(request)) + request
        wires = []
        for _ in range(8):
            wire = self.connect()
            wire.settimeout(0.2)
            try:
                wire.sendall(PREFACE + frame(SETTINGS, 0, 0, b"") +
                             frame(HEADERS, 4, 1, call_headers(SERVICE.encode() + b"SearchMany")))
                for _ in range(2000):
                    wire.sendall(frame(DATA, 0, 1, message))
            except (TimeoutError, ConnectionError):
                pass
            wires.append(wire)
        for _ in range(10):
            self.assert_answers_others("slow readers")
        ks.poll(lambda: self.server.running("query") == 0, 30,
                "the end of the slow readers' streams")
        for wire in wires:
            wire.close()

    def test_answers_go_on_under_all_of_it(self):
        """Three good clients while a fourth does the worst of the above."""
        stop, failures = threading.Event(), []

        def ask():
            stub = self.server.stub()
            while not stop.is_set():
                try:
                    response = stub.Search(search_pb2.SearchRequest(uid=self.some_uid, k=5),
                                           timeout=60)
                    if len(response.results) != 5:
                        failures.append("a short answer")
                except grpc.RpcError as failure:
                    failures.append(f"{failure.code()}: {failure.details()}")

        clients = [threading.Thread(target=ask) for _ in range(3)]
        for client in clients:
            client.start()
        numbers = random.Random(SEED + 3)
        for _ in range(ROUNDS // 4):
            with self.connect() as wire:
                wire.settimeout(0.01)
                try:
                    wire.sendall(mutate(numbers, PREFACE + b"".join(conversation(numbers, b""))))
                    wire.recv(65536)
                except (TimeoutError, ConnectionError):
                    pass
        stop.set()
        for client in clients:
            client.join()
        self.assertEqual(failures, [])


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


if __name__ == "__main__":
    ks.main()
