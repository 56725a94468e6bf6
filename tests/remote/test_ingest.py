"""Ingest: what a stream of chunks makes of an archive is what the command line makes of a folder."""

import random
import zlib

import kindred_server as ks
from kindred_server import Server, ingest_pb2, kindred, kindred_json, requests_of_file

import grpc

STORED, DUPLICATE, UPDATED, REPLACED, SKIPPED, FAILED = (
    getattr(ingest_pb2, f"INGEST_OUTCOME_{name}")
    for name in ("STORED", "DUPLICATE", "UPDATED", "REPLACED", "SKIPPED", "FAILED"))


def picture(seed, width=64, height=48):
    numbers = random.Random(seed)
    a, b, c = (numbers.randrange(1, 60) for _ in range(3))
    return ks.png(width, height, lambda x, y: (a * x + b * y + x * y // c) % 256)


class Ingesting(ks.RemoteCase):
    def setUp(self):
        self.folder = ks.Folder()
        self.addCleanup(self.folder.close)
        self.archive = self.folder.path / "archive"
        kindred("init", archive=self.archive)
        self.server = self.folder.enter_context(Server(self.archive))
        self.stub = self.server.stub()

    def ingest(self, *streams):
        def all_of_them():
            for stream in streams:
                yield from stream
        return self.stub.Ingest(all_of_them(), timeout=ks.CALL_SECONDS)

    def verify(self):
        self.assertEqual(kindred_json("verify", archive=self.archive)["faults"], [])

    @staticmethod
    def comparable(archive):
        """What two archives of the same files have in common."""
        images = {}
        for image in ks.exported(archive):
            image = {k: v for k, v in image.items() if k not in ("id", "ingested")}
            images[image["sop_instance_uid"], image["frame"]] = image
        return images

    def test_the_samples_as_the_command_line_stores_them(self):
        rows = ks.manifest_rows(ks.SAMPLES / "manifest.csv")
        reference = ks.samples_archive(self.folder.path)
        streams = []
        for number, row in enumerate(rows):
            path = ks.SAMPLES / row["path"]
            fields = {name: value for name, value in row.items() if name != "path"}
            streams.append(requests_of_file(str(path.resolve()), path.read_bytes(), fields,
                                            chunk_bytes=(1000, 4096, 65536)[number % 3]))
        response = self.ingest(*streams)
        self.assertEqual({f.outcome for f in response.files}, {STORED})
        self.assertEqual([f.name for f in response.files],
                         [str((ks.SAMPLES / row["path"]).resolve()) for row in rows])
        expected = self.comparable(reference)
        self.assertEqual(response.images, len(expected))
        self.assertEqual(sum(f.images for f in response.files), len(expected))
        self.assertEqual(self.comparable(self.archive), expected)
        uids = {(f.name, f.sop_instance_uid) for f in response.files}
        self.assertEqual(uids, {(i["path"], i["sop_instance_uid"]) for i in expected.values()})
        self.verify()

    def test_every_outcome(self):
        dicom = (ks.SAMPLES / "SYN-0001/study-1/series-1/image-1.dcm").read_bytes()
        first = self.ingest(requests_of_file("a.dcm", dicom, {"diagnosis": "x"}))
        self.assertEqual([f.outcome for f in first.files], [STORED])
        again = self.ingest(
            requests_of_file("a.dcm", dicom, {"diagnosis": "x"}),
            requests_of_file("notes.txt", b"no picture at all, only words\n" * 9),
            requests_of_file("broken.dcm", dicom[:len(dicom) // 2]),
            requests_of_file("broken.png", picture(1)[:90]),
            requests_of_file("empty.dcm", b""),
            requests_of_file("good.png", picture(2)))
        self.assertEqual([f.name for f in again.files],
                         ["a.dcm", "notes.txt", "broken.dcm", "broken.png", "empty.dcm",
                          "good.png"])
        outcomes = [f.outcome for f in again.files]
        self.assertEqual(outcomes[0], DUPLICATE)
        self.assertEqual(outcomes[1], SKIPPED)
        self.assertEqual(outcomes[2], FAILED)
        self.assertEqual(outcomes[3], FAILED)
        self.assertIn(outcomes[4], (SKIPPED, FAILED))
        self.assertEqual(outcomes[5], STORED)
        for file in again.files[1:5]:
            self.assertNotEqual(file.reason, "", file.name)
            self.assertEqual(file.sop_instance_uid, "", file.name)
            self.assertEqual(file.images, 0, file.name)
        self.assertEqual(again.images, 1)
        updated = self.ingest(requests_of_file("a.dcm", dicom, {"diagnosis": "y"}))
        self.assertEqual([f.outcome for f in updated.files], [UPDATED])
        uid = updated.files[0].sop_instance_uid
        shown = kindred_json("show", uid, archive=self.archive)["images"]
        self.assertEqual([i["labels"]["diagnosis"] for i in shown], ["y"])
        self.verify()

    def test_another_picture_under_the_same_uid_replaces_it(self):
        data = next(self.uncompressed_samples())
        other = bytearray(data)
        for at in range(len(data) - 30000, len(data) - 10000):  # in the middle of the pixels
            other[at] ^= 0x15
        self.assertEqual(self.ingest(requests_of_file("one.dcm", data)).files[0].outcome, STORED)
        replaced = self.ingest(requests_of_file("two.dcm", bytes(other)))
        self.assertEqual(replaced.files[0].outcome, REPLACED)
        uid = replaced.files[0].sop_instance_uid
        shown = kindred_json("show", uid, archive=self.archive)["images"]
        self.assertEqual([i["path"] for i in shown], ["two.dcm"])
        self.verify()

    @staticmethod
    def uncompressed_samples():
        for image in sorted(ks.SAMPLES.glob("SYN-*/study-*/series-*/image-1.dcm")):
            data = image.read_bytes()
            syntax = data[data.index(b"\x02\x00\x10\x00UI"):][:40]
            if b"1.2.840.10008.1.2.1\0" in syntax:
                yield data

    def test_a_file_far_larger_than_a_message(self):
        """24 MiB of pixels that do not compress, in 4 MiB chunks."""
        width, height = 4096, 2048
        noise = random.Random(5).randbytes(width * 3 * height)
        stride = width * 3
        rows = b"".join(b"\0" + noise[y * stride:(y + 1) * stride] for y in range(height))
        data = ks.png_of_rows(width, height, rows, channels=3, level=0)
        self.assertGreater(len(data), 24 << 20)
        response = self.ingest(requests_of_file("large.png", data, {"diagnosis": "noise"},
                                                chunk_bytes=4 << 20))
        self.assertEqual([(f.outcome, f.images) for f in response.files], [(STORED, 1)])
        shown = kindred_json("show", response.files[0].sop_instance_uid, archive=self.archive)
        image = shown["images"][0]
        self.assertEqual((image["width"], image["height"]), (width, height))
        self.assertEqual(image["labels"]["diagnosis"], "noise")
        # the very same file by the command line is known
        path = self.folder.path / "large.png"
        path.write_bytes(data)
        summary = kindred_json("ingest", path, "--no-reindex", archive=self.archive)
        self.assertEqual(summary["stored"], 0)

    def test_chunks_of_any_size(self):
        data = picture(11)
        pieces = [data[:1], b"", data[1:2], data[2:700], b"", data[700:]]
        start = ingest_pb2.IngestRequest(start=ingest_pb2.FileStart(name="p.png"))
        response = self.ingest(iter([start] + [ingest_pb2.IngestRequest(chunk=p) for p in pieces]))
        self.assertEqual(response.files[0].outcome, STORED)
        one_by_one = self.ingest(requests_of_file("q.png", picture(12, 24, 24), chunk_bytes=1))
        self.assertEqual(one_by_one.files[0].outcome, STORED)

    def test_promised_sizes_are_kept(self):
        data = picture(21)
        response = self.ingest(
            requests_of_file("less.png", data, size=len(data) + 1),
            requests_of_file("more.png", data, size=len(data) - 1),
            requests_of_file("unknown.png", data, size=0))
        self.assertEqual([f.outcome for f in response.files], [FAILED, FAILED, STORED])
        for file in response.files[:2]:
            self.assertIn("bytes", file.reason)

    def test_fields_are_a_manifests_columns(self):
        fields = {"patient_id": "P-1", "study_uid": "1.2.3.4", "series_uid": "1.2.3.4.5",
                  "modality": "US", "body_part": "BREAST", "study_date": "20240131",
                  "outcome": "well", "grade": "3", "Größe": "µ 4 \U0001F600", "empty": ""}
        response = self.ingest(requests_of_file("folder/scan.png", picture(31), fields))
        uid = response.files[0].sop_instance_uid
        image = kindred_json("show", uid, archive=self.archive)["images"][0]
        for name, key in (("patient_id", "patient_id"), ("study_uid", "study_instance_uid"),
                          ("series_uid", "series_instance_uid"), ("modality", "modality"),
                          ("body_part", "body_part"), ("study_date", "study_date"),
                          ("outcome", "outcome")):
            self.assertEqual(image[key], fields[name], name)
        self.assertEqual(image["labels"]["grade"], "3")
        self.assertIn("µ 4 \U0001F600", image["labels"].values())
        self.assertEqual(image["path"], "folder/scan.png")

    def test_names_are_never_opened(self):
        data = picture(41)
        response = self.ingest(requests_of_file("/etc/passwd", data),
                               requests_of_file("../../../etc/shadow.png", picture(42)))
        self.assertEqual([f.outcome for f in response.files], [STORED, STORED])

    def test_no_files_is_an_empty_receipt(self):
        response = self.ingest(iter(()))
        self.assertEqual((len(response.files), response.images), (0, 0))

    def test_a_chunk_before_any_file(self):
        self.assert_status(grpc.StatusCode.INVALID_ARGUMENT, "chunk",
                           lambda: self.ingest(iter([ingest_pb2.IngestRequest(chunk=b"x")])))

    def test_a_request_of_nothing(self):
        self.assert_status(grpc.StatusCode.INVALID_ARGUMENT, "part",
                           lambda: self.ingest(iter([ingest_pb2.IngestRequest()])))

    def test_a_file_without_a_name(self):
        self.assert_status(grpc.StatusCode.INVALID_ARGUMENT, "start.name",
                           lambda: self.ingest(requests_of_file("", picture(1))))

    def test_hostile_files_cost_only_themselves(self):
        """Lies about sizes, nonsense behind good beginnings, and a good file after each."""
        numbers = random.Random(99)
        good = picture(51)
        dicom = (ks.SAMPLES / "SYN-0002/study-1/series-1/image-1.dcm").read_bytes()
        bomb = ks.png_of_rows(100000, 100000, zlib.compress(b"\0" * 100), level=0)
        evil = [bomb, b"DICM", b"\0" * 128 + b"DICM" + numbers.randbytes(4000),
                b"\xff\xd8\xff\xe0" + numbers.randbytes(500), b"II*\0" + b"\xff" * 64]
        for _ in range(20):
            broken = bytearray(numbers.choice((good, dicom)))
            for _ in range(12):
                broken[numbers.randrange(len(broken))] = numbers.randrange(256)
            evil.append(bytes(broken))
        streams = []
        for number, data in enumerate(evil):
            streams.append(requests_of_file(f"evil-{number}.dcm", data))
            streams.append(requests_of_file(f"good-{number}.png", picture(1000 + number)))
        response = self.ingest(*streams)
        self.assertEqual([f.outcome for f in response.files[1::2]], [STORED] * len(evil))
        self.assertTrue(all(f.outcome in (FAILED, SKIPPED) for f in response.files[:10:2]))
        self.verify()

    def test_a_receipt_is_for_good(self):
        """Killed right after it, the server has lost nothing."""
        streams = [requests_of_file(f"{n}.png", picture(2000 + n)) for n in range(30)]
        receipt = self.ingest(*streams)
        self.server.kill()
        self.assertEqual({f.outcome for f in receipt.files}, {STORED})
        stored = {i["sop_instance_uid"] for i in ks.exported(self.archive)}
        self.assertEqual(stored, {f.sop_instance_uid for f in receipt.files})
        self.verify()

    def test_a_stream_broken_off_acknowledges_nothing_and_harms_nothing(self):
        def broken_off():
            yield from requests_of_file("whole.png", picture(61))
            yield ingest_pb2.IngestRequest(start=ingest_pb2.FileStart(name="half.png"))
            yield ingest_pb2.IngestRequest(chunk=picture(62)[:100])
            call.cancel()
        call = None
        call = self.stub.Ingest.future(broken_off(), timeout=ks.CALL_SECONDS)
        with self.assertRaises((grpc.RpcError, grpc.FutureCancelledError)):
            call.result(timeout=ks.CALL_SECONDS)
        after = self.ingest(requests_of_file("next.png", picture(63)))
        self.assertEqual(after.files[0].outcome, STORED)
        paths = {i["path"] for i in ks.exported(self.archive)}
        self.assertLessEqual(paths, {"whole.png", "next.png"})
        self.verify()

    def test_what_is_stored_is_found_at_once(self):
        data = picture(71)
        uid = self.ingest(requests_of_file("mine.png", data)).files[0].sop_instance_uid
        response = self.stub.Search(ks.search_pb2.SearchRequest(image=data, k=1),
                                    timeout=ks.CALL_SECONDS)
        self.assertEqual([r.image.sop_instance_uid for r in response.results], [uid])

    def test_nothing_is_left_in_the_spool(self):
        spool = self.folder.path / "spool"
        spool.mkdir()
        with Server(self.archive, archive__spool=spool) as server:
            streams = (requests_of_file("s.png", picture(81)),
                       requests_of_file("t.txt", b"words"))
            server.stub().Ingest((r for s in streams for r in s), timeout=ks.CALL_SECONDS)
        self.assertEqual(list(spool.iterdir()), [])


if __name__ == "__main__":
    ks.main()
