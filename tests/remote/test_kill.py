"""kill -9 in the middle of streaming ingests: whatever was acknowledged is there afterwards.

A hundred streams (KINDRED_KILL_STREAMS), ten kills at random moments among them, each followed by a
new server over the same archive.  After each the archive is sound and holds every image whose
receipt has come.
"""

import os
import random
import threading
import time

import kindred_server as ks
from kindred_server import Server, ingest_pb2, kindred, kindred_json, manage_pb2, requests_of_file

import grpc

SEED = int(os.environ.get("KINDRED_KILL_SEED", "20261124"))
STREAMS = int(os.environ.get("KINDRED_KILL_STREAMS", "100"))
KILLS = 10
FILES = 3  # in each stream
HELD = (ingest_pb2.INGEST_OUTCOME_STORED, ingest_pb2.INGEST_OUTCOME_DUPLICATE,
        ingest_pb2.INGEST_OUTCOME_UPDATED, ingest_pb2.INGEST_OUTCOME_REPLACED)


def picture(seed):
    numbers = random.Random(seed)
    a, b, c = (numbers.randrange(1, 60) for _ in range(3))
    return ks.png(64, 48, lambda x, y: (a * x + b * y + x * y // c + seed) % 256)


class Killing(ks.RemoteCase):
    def setUp(self):
        self.folder = ks.Folder()
        self.addCleanup(self.folder.close)
        self.archive = self.folder.path / "archive"
        kindred("init", archive=self.archive)
        self.receipts = {}  # UID -> the stream's number
        self.lost = 0       # streams without a receipt
        self.lock = threading.Lock()

    def stream(self, stub, number):
        def requests():
            for file in range(FILES):
                yield from requests_of_file(f"/pictures/{number}-{file}.png",
                                            picture(number * FILES + file),
                                            {"stream": str(number)}, chunk_bytes=700)
        try:
            response = stub.Ingest(requests(), timeout=ks.CALL_SECONDS)
        except grpc.RpcError:
            with self.lock:
                self.lost += 1
            return
        with self.lock:
            for file in response.files:
                self.assertIn(file.outcome, HELD, file.reason)
                self.receipts[file.sop_instance_uid] = number

    def check(self):
        """Sound, and nothing acknowledged is missing."""
        self.assertEqual(kindred_json("verify", archive=self.archive)["faults"], [])
        held = {image["sop_instance_uid"] for image in ks.exported(self.archive)}
        self.assertEqual([uid for uid in self.receipts if uid not in held], [])

    def round(self, streams, seconds):
        """Streams at once, a kill after so long (None: after the last receipt), a look.  Returns how
        long it was until then."""
        server = Server(self.archive)
        server.__enter__()
        stub = server.stub()
        workers = [threading.Thread(target=self.stream, args=(stub, number)) for number in streams]
        for worker in workers:
            worker.start()
        began = time.monotonic()
        if seconds is None:
            for worker in workers:
                worker.join()
        else:
            time.sleep(seconds)
        lasted = time.monotonic() - began
        server.kill()
        for worker in workers:
            worker.join()
        server.folder.close()
        self.check()
        return lasted

    def test_acknowledged_is_kept(self):
        numbers = random.Random(SEED)
        per_kill = STREAMS // KILLS
        # How long a round takes here says when a kill comes amid one.
        whole = self.round(range(STREAMS, STREAMS + per_kill), None)
        self.assertEqual(self.lost, 0)
        for kill in range(KILLS):
            streams = range(kill * per_kill, (kill + 1) * per_kill)
            self.round(streams, numbers.uniform(0.1, 1.1) * whole)
        print(f"{STREAMS} streams: {self.lost} cut off, {len(self.receipts)} images acknowledged "
              f"and found again", flush=True)
        self.assertGreater(self.lost, 0)
        with Server(self.archive) as server:
            stub = server.stub()
            for uid in self.receipts:
                found = stub.Get(manage_pb2.GetRequest(uid=uid), timeout=60)
                self.assertEqual(len(found.images), 1)


if __name__ == "__main__":
    ks.main()
