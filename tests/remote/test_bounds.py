"""Bounds of size, number and time: what is over them is refused with its code, others are served."""

import concurrent.futures
import threading
import time

import kindred_server as ks
from kindred_server import Server, ingest_pb2, manage_pb2, search_pb2

import grpc
from grpc.health.v1 import health_pb2, health_pb2_grpc

Code = grpc.StatusCode
MIB = 1 << 20


class OpenIngest:
    """A client stream that stays open until it is told to end."""

    def __init__(self, stub, timeout=ks.CALL_SECONDS):
        self.go_on = threading.Event()
        self.call = stub.Ingest.future(self.requests(), timeout=timeout)

    def requests(self):
        yield ingest_pb2.IngestRequest(start=ingest_pb2.FileStart(name="slow.png"))
        self.go_on.wait(ks.CALL_SECONDS)
        yield ingest_pb2.IngestRequest(chunk=ks.png(32, 32, lambda x, y: (x * y) % 256))

    def end(self):
        self.go_on.set()
        return self.call.result(timeout=ks.CALL_SECONDS)


class OpenSearches:
    """A SearchMany stream that has answered one query and stays open."""

    def __init__(self, stub, uid):
        self.go_on = threading.Event()
        self.uid = uid
        self.call = stub.SearchMany(self.requests(), timeout=ks.CALL_SECONDS)
        self.first = next(self.call)

    def requests(self):
        yield search_pb2.SearchManyRequest(tag=1, search=search_pb2.SearchRequest(uid=self.uid))
        self.go_on.wait(ks.CALL_SECONDS)

    def end(self):
        self.go_on.set()
        return list(self.call)


class Bounds(ks.RemoteCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.samples_archive(cls.folder.path)
        cls.uid = ks.exported(cls.archive)[0]["sop_instance_uid"]

    def search(self, stub, **request):
        request.setdefault("uid", self.uid)
        return stub.Search(search_pb2.SearchRequest(**request), timeout=ks.CALL_SECONDS)

    # --- sizes ---

    def test_messages_over_the_bound(self):
        with Server(self.archive, server__message_bytes="1M") as server:
            stub = server.stub()
            for size in (MIB + 1, 3 * MIB, 40 * MIB):
                self.assert_status(Code.RESOURCE_EXHAUSTED, "", lambda s=size: stub.Search(
                    search_pb2.SearchRequest(image=bytes(s)), timeout=ks.CALL_SECONDS))
                self.assert_status(Code.RESOURCE_EXHAUSTED, "", lambda s=size: stub.Ingest(
                    ks.requests_of_file("x.png", bytes(s), chunk_bytes=s),
                    timeout=ks.CALL_SECONDS))
            self.assertEqual(len(self.search(stub).results), 10)
            # within the bound it is the picture that is at fault
            self.assert_status(Code.INVALID_ARGUMENT, "image", lambda: stub.Search(
                search_pb2.SearchRequest(image=bytes(MIB - 100)), timeout=ks.CALL_SECONDS))

    def test_headers_over_the_bound(self):
        with Server(self.archive, server__metadata_bytes="8K") as server:
            stub = server.stub()
            self.assert_status(Code.RESOURCE_EXHAUSTED, "", lambda: stub.Stats(
                manage_pb2.StatsRequest(), timeout=30,
                metadata=tuple((f"x-{n}", "y" * 1000) for n in range(40))))
            self.assertEqual(len(self.search(server.stub()).results), 10)

    def test_a_file_over_the_bound_costs_only_itself(self):
        archive = ks.copy_archive(self.archive, self.folder.path / "files")
        with Server(archive, decode__file_bytes="64K") as server:
            small = ks.png(48, 48, lambda x, y: (x * 7 + y) % 256)
            streams = (ks.requests_of_file("large.png", bytes(200000), chunk_bytes=10000),
                       ks.requests_of_file("small.png", small))
            response = server.stub().Ingest((r for s in streams for r in s),
                                            timeout=ks.CALL_SECONDS)
        self.assertEqual([f.outcome for f in response.files],
                         [ingest_pb2.INGEST_OUTCOME_FAILED, ingest_pb2.INGEST_OUTCOME_STORED])

    # --- calls at once ---

    def test_ingests_at_once(self):
        archive = ks.copy_archive(self.archive, self.folder.path / "ingests")
        with Server(archive, server__ingests=2) as server:
            stub = server.stub()
            running = [OpenIngest(stub), OpenIngest(stub)]
            picture = ks.png(24, 24, lambda x, y: x * y % 256)

            def one_more():
                return stub.Ingest(ks.requests_of_file("more.png", picture),
                                   timeout=ks.CALL_SECONDS)

            ks.poll(lambda: server.running("ingest") == 2, what="two ingests")
            self.assert_status(Code.RESOURCE_EXHAUSTED, "", one_more)
            self.assertEqual(len(self.search(stub).results), 10)  # searches have their own bound
            for open_call in running:
                self.assertEqual(len(open_call.end().files), 1)
            self.assertEqual(len(one_more().files), 1)

    def test_queries_at_once(self):
        with Server(self.archive, server__queries=3) as server:
            stub = server.stub()
            running = [OpenSearches(stub, self.uid) for _ in range(3)]
            self.assert_status(Code.RESOURCE_EXHAUSTED, "", lambda: self.search(stub))
            self.assert_status(Code.RESOURCE_EXHAUSTED, "", lambda: stub.Stats(
                manage_pb2.StatsRequest(), timeout=30))
            health = health_pb2_grpc.HealthStub(server.channel())
            self.assertEqual(health.Check(health_pb2.HealthCheckRequest(), timeout=30).status,
                             health_pb2.HealthCheckResponse.SERVING)
            running.pop().end()
            ks.poll(lambda: self.is_answered(stub), what="room for a query")
            for open_call in running:
                open_call.end()

    def is_answered(self, stub):
        try:
            return len(self.search(stub).results) == 10
        except grpc.RpcError as failure:
            self.assertEqual(failure.code(), Code.RESOURCE_EXHAUSTED)
            return False

    def test_a_crowd_gets_answers_or_refusals_and_nothing_else(self):
        with Server(self.archive, server__queries=4) as server:
            stubs = [server.stub() for _ in range(16)]
            expected = self.search(stubs[0], exact=True).results

            def ask(number):
                try:
                    return self.search(stubs[number % 16], exact=True).results == expected
                except grpc.RpcError as failure:
                    return failure.code()
            with concurrent.futures.ThreadPoolExecutor(32) as pool:
                outcomes = list(pool.map(ask, range(800)))
        self.assertLessEqual(set(outcomes), {True, Code.RESOURCE_EXHAUSTED})
        self.assertIn(True, outcomes)

    # --- time ---

    def test_a_deadline_frees_the_place_of_a_slow_client(self):
        archive = ks.copy_archive(self.archive, self.folder.path / "deadline")
        with Server(archive, server__ingests=1) as server:
            stub = server.stub()
            slow = OpenIngest(stub, timeout=0.5)
            with self.assertRaises(grpc.RpcError) as failure:
                slow.call.result(timeout=ks.CALL_SECONDS)
            self.assertEqual(failure.exception.code(), Code.DEADLINE_EXCEEDED)
            slow.go_on.set()
            self.assert_ingests_soon(stub)

    def test_cancelling_frees_the_place_of_a_slow_client(self):
        archive = ks.copy_archive(self.archive, self.folder.path / "cancel")
        with Server(archive, server__ingests=1) as server:
            stub = server.stub()
            slow = OpenIngest(stub)
            time.sleep(0.2)
            slow.call.cancel()
            slow.go_on.set()
            self.assert_ingests_soon(stub)

    def test_a_client_that_says_nothing_is_not_waited_for(self):
        archive = ks.copy_archive(self.archive, self.folder.path / "stall")
        with Server(archive, server__ingests=1, server__stall=1) as server:
            stub = server.stub()
            slow = OpenIngest(stub)
            with self.assertRaises(grpc.RpcError) as failure:
                slow.call.result(timeout=ks.CALL_SECONDS)
            self.assertEqual(failure.exception.code(), Code.DEADLINE_EXCEEDED)
            slow.go_on.set()
            self.assert_ingests_soon(stub)

    def assert_ingests_soon(self, stub):
        picture = ks.png(24, 24, lambda x, y: (x * y + 9) % 256)

        def stored():
            try:
                receipt = stub.Ingest(ks.requests_of_file("next.png", picture),
                                      timeout=ks.CALL_SECONDS)
                return len(receipt.files) == 1
            except grpc.RpcError as failure:
                self.assertEqual(failure.code(), Code.RESOURCE_EXHAUSTED, failure.details())
                return False
        ks.poll(stored, what="room for an upload")

    def test_a_short_deadline(self):
        """Over while a large picture is decoded: the client hears so, and the decoders are free
        again for others."""
        rows = (b"\0" + bytes(range(256)) * 8) * 2048
        large = ks.png_of_rows(2048, 2048, rows, level=1)
        with Server(self.archive) as server:
            stub = server.stub()
            for _ in range(10):
                with self.assertRaises(grpc.RpcError) as failure:
                    stub.Search(search_pb2.SearchRequest(image=large, k=200), timeout=0.005)
                self.assertEqual(failure.exception.code(), Code.DEADLINE_EXCEEDED)
            ks.poll(lambda: server.running("query") == 0, what="the end of the work")
            small = ks.png(32, 24, lambda x, y: (7 * x + 11 * y) % 256)
            answer = stub.Search(search_pb2.SearchRequest(image=small, k=5),
                                 timeout=ks.CALL_SECONDS)
            self.assertEqual(len(answer.results), 5)
            self.assertEqual(len(self.search(stub).results), 10)

    def test_clients_that_leave_in_the_middle(self):
        """Calls of all kinds are cancelled at any moment; afterwards everything works."""
        with Server(self.archive, server__queries=4) as server:
            for number in range(60):
                channel = server.channel()
                stub = ks.kindred_pb2_grpc.KindredServiceStub(channel)
                requests = (search_pb2.SearchManyRequest(
                    tag=t, search=search_pb2.SearchRequest(uid=self.uid, k=200))
                    for t in range(1000))
                call = stub.SearchMany(requests, timeout=ks.CALL_SECONDS)
                for _ in range(number % 5):
                    next(call)
                if number % 2:
                    call.cancel()
                channel.close()
            stub = server.stub()
            ks.poll(lambda: self.is_answered(stub), what="room for a query")

    # --- the end ---

    def test_running_calls_end_well_when_the_server_is_told_to_stop(self):
        archive = ks.copy_archive(self.archive, self.folder.path / "drain")
        with Server(archive) as server:
            slow = OpenIngest(server.stub())
            time.sleep(0.3)
            server.terminate()
            time.sleep(0.3)
            self.assertEqual(len(slow.end().files), 1)
            self.assertEqual(server.process.wait(30), 0)

    def test_calls_that_do_not_end_are_cut_off(self):
        with Server(self.archive, server__drain=0.5) as server:
            running = OpenSearches(server.stub(), self.uid)
            server.terminate()
            server.expected_exit = server.process.wait(30)
            self.assertEqual(server.expected_exit, 1)  # calls were cut off
            with self.assertRaises(grpc.RpcError) as failure:
                list(running.call)
            self.assertIn(failure.exception.code(), (Code.UNAVAILABLE, Code.CANCELLED))
            running.go_on.set()


if __name__ == "__main__":
    ks.main()
