"""Mutual TLS, tokens and roles: who gets in, who does not, and what SIGHUP changes."""

import contextlib
import hashlib
import os
import queue
import shutil
import socket
import ssl
import subprocess

import kindred_server as ks
from authority import Authority
from kindred_server import Server, bearer, ingest_pb2, manage_pb2, search_pb2

import grpc
from grpc.health.v1 import health_pb2, health_pb2_grpc

Code = grpc.StatusCode
TOKENS = {"read": "a-reader's-token-0123456789", "write": "a-writer's-token-0123456789",
          "admin": "an-admin's-token-0123456789"}


def hash_of(token):
    return hashlib.blake2b(token.encode(), digest_size=32).hexdigest()


def write_access(path, rules):
    new = path.with_suffix(".new")
    new.write_text("# who may do what\n\n" + "".join(rule + "\n" for rule in rules))
    new.chmod(0o600)
    new.replace(path)


def token_rules():
    return [f"token {role}-user {role} {hash_of(token)}" for role, token in TOKENS.items()]


def credentials(authority, pair=None):
    """What a client shows and trusts."""
    chain, key = (pair[0].read_bytes(), pair[1].read_bytes()) if pair else (None, None)
    return grpc.ssl_channel_credentials(authority.certificate.read_bytes(), key, chain)


# A call of each method, and the role it needs.  All are of things that are not there, or change
# nothing, so that the code tells whether the call was let in.
CALLS = {
    "Search": ("read", lambda stub, **o: stub.Search(search_pb2.SearchRequest(uid="none"), **o)),
    "SearchMany": ("read", lambda stub, **o: list(stub.SearchMany(iter(()), **o))),
    "Get": ("read", lambda stub, **o: stub.Get(manage_pb2.GetRequest(uid="none"), **o)),
    "Thumbnail": ("read", lambda stub, **o: stub.Thumbnail(
        manage_pb2.ThumbnailRequest(sop_instance_uid="none"), **o)),
    "Stats": ("read", lambda stub, **o: stub.Stats(manage_pb2.StatsRequest(), **o)),
    "Ingest": ("write", lambda stub, **o: stub.Ingest(iter(()), **o)),
    "Delete": ("write", lambda stub, **o: stub.Delete(manage_pb2.DeleteRequest(uid="none"), **o)),
    "SetOutcome": ("write", lambda stub, **o: stub.SetOutcome(
        manage_pb2.SetOutcomeRequest(uid="none", outcome="x"), **o)),
    "Reindex": ("admin", lambda stub, **o: list(stub.Reindex(
        manage_pb2.ReindexRequest(index_kind="nonsense"), **o))),
    "Backup": ("admin", lambda stub, **o: stub.Backup(manage_pb2.BackupRequest(name="../"), **o)),
}
ROLES = ("read", "write", "admin")
LET_IN = (None, Code.NOT_FOUND, Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION)


def code_of(method, stub, **options):
    try:
        CALLS[method][1](stub, timeout=ks.CALL_SECONDS, **options)
        return None
    except grpc.RpcError as failure:
        return failure.code()


class Access(ks.RemoteCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.samples_archive(cls.folder.path)
        cls.authority = Authority(cls.folder.path / "authority")
        cls.stranger = Authority(cls.folder.path / "stranger", "Another authority")
        cls.server_pair = cls.authority.sign("kindred server")
        cls.clients = {role: cls.authority.sign(f"{role}-client", f"DNS:{role}.clients.example")
                       for role in ROLES}

    def setUp(self):
        self.own = ks.Folder()
        self.addCleanup(self.own.close)
        self.certificate, self.key = self.own.path / "server.pem", self.own.path / "server.key"
        self.ca = self.own.path / "clients.pem"
        self.access = self.own.path / "access"
        self.install(self.server_pair, self.authority)

    def install(self, pair, authority):
        for source, path in ((pair[0], self.certificate), (pair[1], self.key),
                             (authority.certificate, self.ca)):
            new = path.with_suffix(".new")
            shutil.copyfile(source, new)
            new.chmod(0o600)
            os.replace(new, path)

    def serve(self, rules, mutual=True, **options):
        write_access(self.access, rules)
        tls = {"tls__certificate": self.certificate, "tls__key": self.key}
        if mutual:
            tls["tls__client_ca"] = self.ca
        return self.enterContext(Server(self.archive, access__file=self.access, **tls, **options))


class Tokens(Access):
    def assert_roles(self, stub_of):
        """stub_of(role): a stub and options of calls."""
        for mine, role in enumerate(ROLES):
            stub, options = stub_of(role)
            for method, (needed, _) in CALLS.items():
                with self.subTest(role=role, method=method):
                    code = code_of(method, stub, **options)
                    if mine >= ROLES.index(needed):
                        self.assertIn(code, LET_IN)
                    else:
                        self.assertEqual(code, Code.PERMISSION_DENIED)

    def test_roles_of_tokens(self):
        server = self.serve(token_rules(), mutual=False)
        stub = server.stub(credentials(self.authority))
        self.assert_roles(lambda role: (stub, {"metadata": bearer(TOKENS[role])}))

    def test_roles_of_certificates(self):
        server = self.serve([f"certificate {role}-client {role}" for role in ROLES])
        self.assert_roles(lambda role: (
            server.stub(credentials(self.authority, self.clients[role])), {}))

    def test_alternative_names_count_too(self):
        server = self.serve(["certificate write.clients.example write"])
        stub = server.stub(credentials(self.authority, self.clients["write"]))
        self.assertIsNone(code_of("Ingest", stub))
        self.assertEqual(code_of("Backup", stub), Code.PERMISSION_DENIED)

    def test_a_certificate_without_a_rule_is_nobody(self):
        server = self.serve(token_rules())
        stub = server.stub(credentials(self.authority, self.clients["admin"]))
        self.assertEqual(code_of("Stats", stub), Code.UNAUTHENTICATED)
        self.assertIsNone(code_of("Stats", stub, metadata=bearer(TOKENS["read"])))

    def test_wrong_tokens(self):
        server = self.serve(token_rules(), mutual=False)
        stub = server.stub(credentials(self.authority))
        token = TOKENS["read"]
        for header in (None, "", "Bearer", "Bearer ", f"Basic {token}", token, f"Bearer {token}x",
                       f"Bearer {token[:-1]}", f"Bearer {token.upper()}",
                       f"Bearer {hash_of(token)}", "Bearer " + "x" * 3000):
            metadata = () if header is None else (("authorization", header),)
            with self.subTest(header=header):
                for method in CALLS:
                    self.assertEqual(code_of(method, stub, metadata=metadata),
                                     Code.UNAUTHENTICATED, method)

    def test_refusals_come_before_the_request_is_read(self):
        """A stranger's upload is not taken in first."""
        server = self.serve(token_rules(), mutual=False)
        stub = server.stub(credentials(self.authority))
        sent = []

        def requests():
            yield ingest_pb2.IngestRequest(start=ingest_pb2.FileStart(name="a"))
            for number in range(1000):
                sent.append(number)
                yield ingest_pb2.IngestRequest(chunk=bytes(1 << 20))
        self.assert_status(Code.UNAUTHENTICATED, "authorization",
                           lambda: stub.Ingest(requests(), timeout=ks.CALL_SECONDS))
        self.assertLess(len(sent), 200)

    def test_new_tokens_work(self):
        made = subprocess.run([ks.BIN / "kindredd", "--new-token", "someone", "write"], check=True,
                              capture_output=True, text=True, timeout=60)
        rule = next(line for line in made.stdout.splitlines()
                    if line.strip().startswith("token someone write "))
        words = made.stdout.replace(rule, "").replace(":", " ").split()
        token = next(word for word in words if hash_of(word) == rule.split()[-1])
        server = self.serve([rule], mutual=False)
        stub = server.stub(credentials(self.authority))
        self.assertIsNone(code_of("Ingest", stub, metadata=bearer(token)))
        self.assertEqual(code_of("Backup", stub, metadata=bearer(token)), Code.PERMISSION_DENIED)


class MutualTls(Access):
    RULES = ["certificate read-client read"]

    def assert_refused(self, server, given, target_options=()):
        """No call gets through, and those of others still do."""
        stub = ks.kindred_pb2_grpc.KindredServiceStub(server.channel(given, target_options))
        self.assert_status(Code.UNAVAILABLE, "", lambda: stub.Stats(
            manage_pb2.StatsRequest(), timeout=20))
        self.assert_let_in(server)

    def assert_let_in(self, server, pair=None, authority=None):
        stub = server.stub(credentials(authority or self.authority,
                                       pair or self.clients["read"]))
        self.assertEqual(stub.Stats(manage_pb2.StatsRequest(), timeout=20).images, 177)

    def test_the_right_certificate(self):
        self.assert_let_in(self.serve(self.RULES))

    def test_certificates_of_another_authority(self):
        server = self.serve(self.RULES)
        pair = self.stranger.sign("read-client")
        self.assert_refused(server, credentials(self.authority, pair))

    def test_expired_certificates(self):
        server = self.serve(self.RULES)
        pair = self.authority.sign("read-client", expired=True)
        self.assert_refused(server, credentials(self.authority, pair))

    def assert_refused_only(self, server, given):
        stub = server.stub(given)
        self.assert_status(Code.UNAVAILABLE, "", lambda: stub.Stats(
            manage_pb2.StatsRequest(), timeout=20))

    def test_no_certificate(self):
        server = self.serve(self.RULES)
        self.assert_refused(server, credentials(self.authority))

    def test_no_certificate_is_not_mended_by_a_token(self):
        server = self.serve(token_rules() + self.RULES)
        stub = server.stub(credentials(self.authority))
        self.assert_status(Code.UNAVAILABLE, "", lambda: stub.Stats(
            manage_pb2.StatsRequest(), timeout=20, metadata=bearer(TOKENS["admin"])))

    def test_health_too_needs_the_certificate(self):
        server = self.serve(self.RULES)
        request = health_pb2.HealthCheckRequest()
        inside = health_pb2_grpc.HealthStub(server.channel(
            credentials(self.authority, self.clients["write"])))  # has no rule: needs none
        self.assertEqual(inside.Check(request, timeout=20).status,
                         health_pb2.HealthCheckResponse.SERVING)
        outside = health_pb2_grpc.HealthStub(server.channel(credentials(self.authority)))
        self.assert_status(Code.UNAVAILABLE, "", lambda: outside.Check(request, timeout=20))

    def test_a_client_that_speaks_plainly(self):
        server = self.serve(self.RULES)
        self.assert_refused(server, None)

    def test_bytes_that_are_no_handshake(self):
        server = self.serve(self.RULES)
        for rubbish in (b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9),
                        bytes(range(256)) * 40, b"\x16\x03\x01\xff\xff" + b"\x01" * 5000, b""):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as stranger:
                stranger.sendall(rubbish)
                with contextlib.suppress(OSError):  # the server may have hung up already
                    stranger.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionError):
                    while stranger.recv(65536):
                        pass
        self.assert_let_in(server)

    def test_a_server_of_another_authority_is_refused_by_the_client(self):
        server = self.serve(self.RULES)
        self.assert_refused(server, credentials(self.stranger, self.clients["read"]))

    def test_a_name_that_is_not_the_servers(self):
        server = self.serve(self.RULES)
        self.assert_refused(server, credentials(self.authority, self.clients["read"]),
                            [("grpc.ssl_target_name_override", "elsewhere.example")])

    def test_old_protocols(self):
        server = self.serve(self.RULES)
        context = self.python_context()
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.served_certificate(server, context)

    # --- SIGHUP ---

    def python_context(self):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        context.load_cert_chain(*self.clients["read"])
        context.set_alpn_protocols(["h2"])
        return context

    def served_certificate(self, server, context=None):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
            context = context or self.python_context()
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
                return connection.getpeercert()["serialNumber"]

    def test_sighup_brings_a_new_certificate(self):
        server = self.serve(self.RULES)
        held = server.stub(credentials(self.authority, self.clients["read"]))
        self.assertEqual(held.Stats(manage_pb2.StatsRequest(), timeout=20).images, 177)
        before = self.served_certificate(server)
        self.install(self.authority.sign("renewed server"), self.authority)
        self.assertEqual(self.served_certificate(server), before)
        server.reload()
        after = ks.poll(lambda: next(
            (s for s in [self.served_certificate(server)] if s != before), None),
            what="the new certificate")
        self.assertNotEqual(after, before)
        # the connection that was there goes on, new ones work
        self.assertEqual(held.Stats(manage_pb2.StatsRequest(), timeout=20).images, 177)
        self.assert_let_in(server)

    def test_sighup_brings_a_new_authority_of_clients(self):
        server = self.serve(self.RULES)
        self.install(self.server_pair, self.stranger)
        server.reload()
        pair = self.stranger.sign("read-client", "DNS:other.example")

        def is_let_in():
            try:
                self.assert_let_in(server, pair)
                return True
            except grpc.RpcError:
                return False
        ks.poll(is_let_in, what="the new authority")
        self.assert_refused_only(server, credentials(self.authority, self.clients["read"]))

    def test_sighup_with_rubbish_changes_nothing(self):
        server = self.serve(self.RULES)
        self.assert_let_in(server)
        serial = self.served_certificate(server)
        self.certificate.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n")
        self.access.write_text("token this is no rule\n")
        server.reload()
        ks.poll(lambda: "access" in server.log() and "certificate" in server.log(),
                what="two complaints")
        self.assertEqual(self.served_certificate(server), serial)
        self.assert_let_in(server)
        # a key of another certificate
        self.install((self.server_pair[0], self.clients["read"][1]), self.authority)
        server.reload()
        self.assert_let_in(server)
        self.assertEqual(self.served_certificate(server), serial)

    def test_sighup_takes_rights_away_and_gives_them(self):
        server = self.serve(self.RULES + token_rules())
        stub = server.stub(credentials(self.authority, self.clients["read"]))
        self.assertIsNone(code_of("Stats", stub))
        self.assertEqual(code_of("Ingest", stub), Code.PERMISSION_DENIED)
        write_access(self.access, ["certificate read-client write"])
        server.reload()
        ks.poll(lambda: code_of("Ingest", stub) is None, what="the new right")
        self.assertEqual(code_of("Stats", stub, metadata=bearer(TOKENS["admin"])),
                         Code.UNAUTHENTICATED)
        write_access(self.access, [])
        server.reload()
        ks.poll(lambda: code_of("Stats", stub) == Code.UNAUTHENTICATED, what="the right's end")

    def test_a_right_that_is_taken_away_ends_streams(self):
        server = self.serve(token_rules(), mutual=False)
        stub = server.stub(credentials(self.authority))
        told = queue.Queue()
        answers = stub.SearchMany(iter(told.get, None), metadata=bearer(TOKENS["read"]),
                                  timeout=ks.CALL_SECONDS)
        self.addCleanup(answers.cancel)
        self.addCleanup(told.put, None)

        def ask():
            told.put(search_pb2.SearchManyRequest(search=search_pb2.SearchRequest(uid="2.25.404")))
            return next(answers)

        def install(rules, reloads):
            write_access(self.access, rules)
            server.reload()
            ks.poll(lambda: server.log().count("reloaded") == reloads, what="the reload")
        for reloads in (1, 2):  # rules that are read anew and say the same change nothing
            self.assertEqual(ask().error.code, Code.NOT_FOUND.value[0])
            install(token_rules(), reloads)
        install([rule for rule in token_rules() if " read " not in rule], 3)
        self.assert_status(Code.UNAUTHENTICATED, "token", ask)

    def test_an_access_file_that_others_may_write_is_not_taken(self):
        server = self.serve(self.RULES)
        self.access.write_text("certificate write-client admin\n")
        self.access.chmod(0o666)
        server.reload()
        ks.poll(lambda: "access" in server.log(), what="a complaint")
        self.assert_let_in(server)
        stub = server.stub(credentials(self.authority, self.clients["write"]))
        self.assertEqual(code_of("Stats", stub), Code.UNAUTHENTICATED)


class Starting(Access):
    """What a server refuses to begin with."""

    def assert_does_not_start(self, **options):
        with self.assertRaises(AssertionError) as refused:
            with Server(self.archive, **options):
                pass
        self.assertIn("ended with", str(refused.exception))
        return str(refused.exception)

    def test_beyond_loopback_only_as_it_should_be(self):
        self.assert_does_not_start(server__listen="0.0.0.0:0")
        self.assert_does_not_start(server__listen="0.0.0.0:0", server__allow_remote="on")
        self.assert_does_not_start(server__listen="0.0.0.0:0", server__allow_remote="on",
                                   tls__certificate=self.certificate, tls__key=self.key)

    def test_certificates_that_cannot_be_read(self):
        self.assert_does_not_start(tls__certificate=self.certificate)
        self.assert_does_not_start(tls__certificate="/nowhere.pem", tls__key=self.key)

    def test_it_serves_beyond_loopback_when_all_is_given(self):
        write_access(self.access, ["certificate read-client read"])
        server = self.enterContext(Server(
            self.archive, server__listen="0.0.0.0:0", server__allow_remote="on",
            tls__certificate=self.certificate, tls__key=self.key, tls__client_ca=self.ca,
            access__file=self.access))
        given = credentials(self.authority, self.clients["read"])
        stub = server.stub(given)
        self.assertEqual(stub.Stats(manage_pb2.StatsRequest(), timeout=20).images, 177)
        # reflection is off where it is not asked for
        call = server.channel(given).stream_stream(
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        self.assert_status(Code.UNIMPLEMENTED, "", lambda: call(iter([b""]), timeout=20))


if __name__ == "__main__":
    ks.main()
