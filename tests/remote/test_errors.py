"""Status codes: each kind of failure has the code that kindred.proto promises, and its details name
the field or the UID."""

import math
import os
import pathlib
import signal
import threading

import kindred_server as ks
from kindred_server import Server, image_pb2, manage_pb2, search_pb2

import grpc

Code = grpc.StatusCode


def workers(pid):
    """Processes that a process started."""
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()]


class Errors(ks.RemoteCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.samples_archive(cls.folder.path)
        cls.images = ks.exported(cls.archive)
        cls.server = cls.folder.enter_context(Server(cls.archive, search__k_max=500))
        cls.stub = cls.server.stub()
        cls.uid = cls.images[0]["sop_instance_uid"]
        cls.dicom = (ks.SAMPLES / "SYN-0001/study-1/series-1/image-1.dcm").read_bytes()

    def assert_field(self, field, code=Code.INVALID_ARGUMENT, **request):
        """A search with this request fails, and says of which field."""
        with self.subTest(**{k: str(v)[:60] for k, v in request.items()}):
            details = self.assert_status(code, "", lambda: self.stub.Search(
                search_pb2.SearchRequest(**request), timeout=ks.CALL_SECONDS))
            self.assertTrue(details.startswith(field), f"{details!r} is not about {field}")

    def test_no_query(self):
        self.assert_field("query")
        self.assert_field("query", k=3)

    def test_numbers_out_of_their_range(self):
        self.assert_field("k", uid=self.uid, k=501)
        self.assert_field("k", uid=self.uid, k=2**32 - 1)
        for recall in (1.5, -0.1, math.nan, math.inf, -math.inf, math.nextafter(1, 2)):
            self.assert_field("recall", uid=self.uid, recall=recall)
        for way in ("shortcut", "Scan", "scan ", "x" * 1000):
            self.assert_field("way", uid=self.uid, way=way)
        for way in ("index", "filtered index", "widening"):  # the samples' index is flat
            self.assert_field("way", uid=self.uid, way=way)
        self.assert_field("by", uid=self.uid, by=99)
        self.assert_field("by", uid=self.uid, by=-1)

    def test_conditions_that_cannot_be_read(self):
        for where in ("modality =", "(", "modality = MR and", "= MR", "in (a, b)", "a" * 70000,
                      "not " * 5000 + "a = b", "(" * 5000, "modality = 'MR", "a = b c"):
            self.assert_field("where", uid=self.uid, where=where)

    def test_pictures_that_cannot_be_read(self):
        good = ks.png(40, 30, lambda x, y: x * 5 + y)
        for data in (b"", b"words", good[:50], self.dicom[:600]):
            self.assert_field("dicom", dicom=data)
            self.assert_field("image", image=data)

    def test_frames_that_are_not_there(self):
        for query in ({"dicom": self.dicom}, {"image": ks.png(40, 30, lambda x, y: x * 5 + y)}):
            details = self.assert_status(
                Code.INVALID_ARGUMENT, "frame", lambda q=query: self.stub.Search(
                    search_pb2.SearchRequest(frame=7, **q), timeout=ks.CALL_SECONDS))
            self.assertIn("frame", details)
        self.assert_status(Code.NOT_FOUND, self.uid, lambda: self.stub.Search(
            search_pb2.SearchRequest(uid=self.uid, frame=7), timeout=ks.CALL_SECONDS))

    def test_regions(self):
        region = image_pb2.Region
        some = region(x=1, y=1, width=4, height=4)
        self.assert_field("region", uid=self.uid, region=[some])
        self.assert_field("region", vector=search_pb2.Vector(values=[1.0]), region=[some])
        width, height = self.images[0]["width"], self.images[0]["height"]
        for wrong in (region(), region(width=5), region(height=5),
                      region(x=width, width=1, height=1), region(y=height, width=1, height=1),
                      region(width=width + 1, height=1), region(width=1, height=height + 1),
                      region(x=2**32 - 1, y=2**32 - 1, width=2**32 - 1, height=2**32 - 1),
                      region(x=2**31, width=2**31, height=1)):
            self.assert_field("region", dicom=self.dicom, region=[wrong])
        self.assert_field("region", dicom=self.dicom, region=[some] * 65)

    def test_masks(self):
        mask = ks.png(40, 30, lambda x, y: 255 if x < 9 else 0)
        self.assert_field("mask", uid=self.uid, mask=[mask])
        self.assert_field("region", dicom=self.dicom, mask=[mask])  # of another size
        picture = ks.png(40, 30, lambda x, y: x * 5 + y)
        for wrong in (b"", b"no picture", mask[:50], ks.png(40, 30, lambda x, y: 0)):
            self.assert_field("mask", image=picture, mask=[wrong])

    def test_vectors(self):
        stats = self.stub.Stats(manage_pb2.StatsRequest(), timeout=ks.CALL_SECONDS)
        dim, raw = stats.model.dim, stats.model.descriptor_length
        vector = search_pb2.Vector
        for values in ([], [1.0], [0.5] * (dim - 1), [0.5] * (dim + 1), [0.5] * (raw + 1),
                       [math.nan] + [0.5] * (dim - 1), [math.inf] + [0.5] * (raw - 1),
                       [0.0] * dim):
            self.assert_field("vector", vector=vector(values=values))
        self.assert_field("vector.model", Code.FAILED_PRECONDITION,
                          vector=vector(values=[0.1] * dim, model="0123456789abcdef"))

    def test_a_patient_who_is_not_known(self):
        picture = ks.png(40, 30, lambda x, y: x * 5 + y)
        self.assert_field("not_same_patient", image=picture, not_same_patient=True)

    def test_uids_that_are_not_stored(self):
        for uid in ("2.25.404", "no such patient", "é"):
            self.assert_status(Code.NOT_FOUND, uid, lambda u=uid: self.stub.Search(
                search_pb2.SearchRequest(uid=u), timeout=ks.CALL_SECONDS))
        self.assert_field("uid", uid="")

    def test_get_limits(self):
        details = self.assert_status(Code.INVALID_ARGUMENT, "limit", lambda: self.stub.Get(
            manage_pb2.GetRequest(uid=self.uid, limit=2**32 - 1), timeout=ks.CALL_SECONDS))
        self.assertTrue(details.startswith("limit"))

    # --- what is no message ---

    def raw(self, method, payload):
        call = self.server.channel().unary_unary(f"/kindred.v1.KindredService/{method}")
        return lambda: call(payload, timeout=ks.CALL_SECONDS)

    def test_bytes_that_are_no_message(self):
        for payload in (b"\xff\xff\xff", b"\x1a\x7fabc", b"\x1a\xff\xff\xff\xff\x0f", b"\x0b" * 99):
            self.assert_status(Code.INVALID_ARGUMENT, "", self.raw("Search", payload))
        # text that is not UTF-8: field 3 (uid), field 8 (where)
        self.assert_status(Code.INVALID_ARGUMENT, "uid", self.raw("Search", b"\x1a\x02\xc3\x28"))
        self.assert_status(Code.INVALID_ARGUMENT, "where",
                           self.raw("Search", b"\x1a\x01a\x42\x02\xff\xfe"))

    def test_small_bytes_that_would_be_a_large_message(self):
        """4 MiB of empty sub-messages: 218 MB by protobuf-c's own decoder."""
        payload = b"\x0a\x00" * (2 << 20)
        self.assert_status(Code.RESOURCE_EXHAUSTED, "", self.raw("Stats", payload))

    def test_unknown_fields_are_passed_over(self):
        request = search_pb2.SearchRequest(uid=self.uid).SerializeToString()
        call = self.server.channel().unary_unary(
            "/kindred.v1.KindredService/Search",
            response_deserializer=search_pb2.SearchResponse.FromString)
        response = call(request + b"\xa2\x1f\x05hello" + b"\x98\x1f\x07", timeout=30)
        self.assertEqual(len(response.results), 10)

    def test_methods_that_are_not_there(self):
        channel = self.server.channel()
        for path in ("/kindred.v1.KindredService/Nothing", "/no.Service/Search", "/", "/x"):
            with self.subTest(path=path):
                call = channel.unary_unary(path)
                self.assert_status(Code.UNIMPLEMENTED, "",
                                   lambda c=call: c(b"", timeout=ks.CALL_SECONDS))

    # --- the server's own faults ---

    def test_no_answer_without_its_audit_line(self):
        """The trail is as large as files may be."""
        limit = 64 << 20
        trail = self.folder.path / "full-trail"
        trail.touch(0o600)
        os.truncate(trail, limit)
        with Server(self.archive, file_size_limit=limit, audit__file=trail) as server:
            self.assert_status(Code.UNAVAILABLE, "audit", lambda: server.stub().Search(
                search_pb2.SearchRequest(uid=self.uid), timeout=ks.CALL_SECONDS))
            os.truncate(trail, 0)  # room again
            self.assertEqual(len(server.stub().Search(search_pb2.SearchRequest(
                uid=self.uid), timeout=ks.CALL_SECONDS).results), 10)

    def test_no_room_on_the_disk(self):
        """Rows that do not fit, and an upload that does not fit into the spool."""
        archive = ks.copy_archive(self.archive, self.folder.path / "full")
        rows = max(path.stat().st_size for path in (archive / "descriptors").rglob("*.seg"))
        picture = ks.png(32, 32, lambda x, y: (x * y + 55) % 256)
        with Server(archive, file_size_limit=rows) as server:
            for data in (picture, picture + bytes(rows)):
                details = self.assert_status(Code.RESOURCE_EXHAUSTED, "", lambda d=data:
                                             server.stub().Ingest(ks.requests_of_file("a.png", d),
                                                                  timeout=ks.CALL_SECONDS))
                self.assertNotIn(str(archive), details)
            self.assertEqual(len(ks.exported(archive)), len(self.images))
            self.assertIn("Ingest: cannot write", server.log())
        with Server(archive) as server:  # room again
            receipt = server.stub().Ingest(ks.requests_of_file("a.png", picture),
                                           timeout=ks.CALL_SECONDS)
            self.assertEqual(receipt.images, 1)

    def test_a_picture_that_takes_too_long_ends_no_stream(self):
        """Its decoder is stopped in its tracks, as by a file that keeps it busy for ever."""
        picture = ks.png(40, 30, lambda x, y: x * 5 + y)
        with Server(self.archive, decode__queries=1, decode__seconds=2) as server:
            def requests():
                yield search_pb2.SearchManyRequest(tag=1, search=search_pb2.SearchRequest(
                    image=picture, k=1))
                worker = ks.poll(lambda: workers(server.process.pid), what="the worker")[0]
                first_came.wait(60)
                os.kill(worker, signal.SIGSTOP)
                for tag in (2, 3):
                    yield search_pb2.SearchManyRequest(tag=tag, search=search_pb2.SearchRequest(
                        image=picture, k=1))
            first_came = threading.Event()
            answers = []
            for answer in server.stub().SearchMany(requests(), timeout=ks.CALL_SECONDS):
                answers.append(answer)
                first_came.set()
        self.assertEqual([a.tag for a in answers], [1, 2, 3])
        self.assertEqual([len(a.response.results) for a in answers], [1, 0, 1])
        self.assertEqual(answers[1].error.code, Code.RESOURCE_EXHAUSTED.value[0])
        self.assertTrue(answers[1].error.message.startswith("image: "), answers[1].error.message)

    def test_text_that_is_not_utf8_is_repaired(self):
        """A manifest in Latin-1: what comes out is UTF-8 all the same."""
        archive = self.folder.path / "latin1"
        folder = self.folder.path / "latin1-files"
        folder.mkdir()
        name = os.fsencode(str(folder)) + b"/caf\xe9.png"
        with open(name, "wb") as file:
            file.write(ks.png(40, 30, lambda x, y: x * 5 + y))
        (folder / "manifest.csv").write_bytes(
            b"path,diagnosis,patient_id\ncaf\xe9.png,m\xe9ningiome,Ren\xe9\n")
        ks.kindred("ingest", folder, "--manifest", folder / "manifest.csv", archive=archive,
                   exit_codes=(0, 1))
        with Server(archive) as server:
            stub = server.stub()
            stats = stub.Stats(manage_pb2.StatsRequest(values_of=["diagnosis", "patient_id"]),
                               timeout=30)
            self.assertEqual(stats.images, 1)
            self.assertEqual([v.values[0].images for v in stats.values if v.values], [1, 1])
            image = stub.Search(search_pb2.SearchRequest(
                image=ks.png(40, 30, lambda x, y: x * 5 + y)), timeout=30).results[0].image
            self.assertTrue(image.path.endswith("caf\ufffd.png"), image.path)

    def test_damaged_data_are_said_to_be(self):
        """A flipped bit in the stored rows."""
        archive = ks.copy_archive(self.archive, self.folder.path / "damaged")
        for path in (p for p in archive.rglob("*") if p.is_file()
                     and p.parent.parent.name in ("vectors", "descriptors", "previews")):
            data = bytearray(path.read_bytes())
            for at in range(4096 + 64, len(data), 4096):
                data[at] ^= 0x10
            path.write_bytes(data)
        with Server(archive) as server:
            details = self.assert_status(Code.DATA_LOSS, "", lambda: server.stub().Search(
                search_pb2.SearchRequest(uid=self.uid, exact=True), timeout=ks.CALL_SECONDS))
            # where it lies is the operator's affair, and that there is any
            self.assertNotIn(str(archive), details)
            self.assertIn(f"Search: {details}", server.log())


if __name__ == "__main__":
    ks.main()
