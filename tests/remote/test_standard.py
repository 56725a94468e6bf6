"""gRPC's own services: health checking and server reflection, as generic tools use them."""

import kindred_server as ks
from kindred_server import Server, kindred_json

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc.health.v1 import health_pb2, health_pb2_grpc
from grpc.reflection.v1 import reflection_pb2, reflection_pb2_grpc
from grpc.reflection.v1alpha import reflection_pb2 as alpha_pb2
from grpc.reflection.v1alpha import reflection_pb2_grpc as alpha_pb2_grpc

SERVICE = "kindred.v1.KindredService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVICES = {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection"}


class Standard(ks.RemoteCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = ks.Folder()
        cls.addClassCleanup(cls.folder.close)
        cls.archive = ks.samples_archive(cls.folder.path)
        # nobody gets in without a token, but for health and reflection
        cls.access = cls.folder.path / "access"
        cls.access.write_text("")
        cls.access.chmod(0o600)


class Health(Standard):
    def setUp(self):
        self.server = Server(self.archive, access__file=self.access)
        self.enterContext(self.server)
        self.stub = health_pb2_grpc.HealthStub(self.server.channel())

    def check(self, service):
        return self.stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=30).status

    def test_check_needs_no_token(self):
        self.assert_status(grpc.StatusCode.UNAUTHENTICATED, "", lambda: self.server.stub().Stats(
            ks.manage_pb2.StatsRequest(), timeout=30))
        self.assertEqual(self.check(""), SERVING)
        self.assertEqual(self.check(SERVICE), SERVING)

    def test_check_of_what_is_not_served(self):
        for service in ("kindred.v1", "nothing", "é"):
            self.assert_status(grpc.StatusCode.NOT_FOUND, "service",
                               lambda s=service: self.check(s))

    def watch(self, service, **options):
        return self.stub.Watch(health_pb2.HealthCheckRequest(service=service), **options)

    def test_watch_until_the_server_goes(self):
        watches = [self.watch(service) for service in ("", SERVICE)]
        unknown = self.watch("nothing")
        for watch in watches:
            self.assertEqual(next(watch).status, SERVING)
        self.assertEqual(next(unknown).status, SERVICE_UNKNOWN)
        self.server.terminate()
        for watch in watches:
            self.assertEqual(next(watch).status, NOT_SERVING)
            with self.assertRaises(grpc.RpcError) as end:
                next(watch)
            self.assertEqual(end.exception.code(), grpc.StatusCode.UNAVAILABLE)
        with self.assertRaises(grpc.RpcError) as end:
            next(unknown)
        self.assertEqual(end.exception.code(), grpc.StatusCode.UNAVAILABLE)

    def test_watches_leave_their_places_to_others(self):
        """When they are cancelled, and when their deadline passes."""
        with Server(self.archive, server__watches=2) as server:
            stub = health_pb2_grpc.HealthStub(server.channel())
            for _ in range(3):
                first = self.open_watch(stub)
                second = self.open_watch(stub, timeout=0.5)
                self.assert_status(grpc.StatusCode.RESOURCE_EXHAUSTED, "",
                                   lambda: stub.Watch(health_pb2.HealthCheckRequest()))
                first.cancel()
                with self.assertRaises(grpc.RpcError) as end:
                    list(second)
                self.assertEqual(end.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def open_watch(self, stub, **options):
        """A watch that has said its first, once there is room for it."""
        def opened():
            watch = stub.Watch(health_pb2.HealthCheckRequest(), **options)
            try:
                self.assertEqual(next(watch).status, SERVING)
                return watch
            except grpc.RpcError as failure:
                self.assertEqual(failure.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                return None
        return ks.poll(opened, what="room for a watch")


class ReflectionOf:
    """What a generic tool does; subclasses name the version."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.folder.enter_context(Server(cls.archive))
        cls.stub = cls.STUB(cls.server.channel())

    def ask(self, *questions):
        requests = [self.PB.ServerReflectionRequest(host="h", **q) for q in questions]
        answers = list(self.stub.ServerReflectionInfo(iter(requests), timeout=30))
        self.assertEqual([a.original_request for a in answers], requests)
        self.assertEqual({a.valid_host for a in answers}, {"h"})
        return answers

    def files(self, **question):
        answer = self.ask(question)[0]
        self.assertEqual(answer.WhichOneof("message_response"), "file_descriptor_response",
                         answer)
        return [descriptor_pb2.FileDescriptorProto.FromString(packed)
                for packed in answer.file_descriptor_response.file_descriptor_proto]

    def services(self):
        answer = self.ask({"list_services": "*"})[0]
        return {service.name for service in answer.list_services_response.service}

    def test_services(self):
        self.assertEqual(self.services(), SERVICES)

    def test_every_declared_name_leads_to_its_file(self):
        questions = []
        for file in self.files(file_containing_symbol=SERVICE):
            questions += [(file.name, name) for name in self.names_of(file)]
        self.assertGreater(len(questions), 150)
        answers = self.ask(*({"file_containing_symbol": name} for _, name in questions))
        for (path, name), answer in zip(questions, answers):
            packed = answer.file_descriptor_response.file_descriptor_proto
            self.assertGreater(len(packed), 0, name)
            self.assertEqual(descriptor_pb2.FileDescriptorProto.FromString(packed[0]).name, path,
                             name)

    @staticmethod
    def names_of(file):
        def of_enum(scope, enum):
            yield f"{scope}.{enum.name}"
            yield from (f"{scope}.{value.name}" for value in enum.value)

        def of_message(scope, message):
            full = f"{scope}.{message.name}"
            yield full
            yield from (f"{full}.{field.name}" for field in message.field)
            yield from (f"{full}.{oneof.name}" for oneof in message.oneof_decl)
            for nested in message.nested_type:
                yield from of_message(full, nested)
            for enum in message.enum_type:
                yield from of_enum(full, enum)

        for message in file.message_type:
            yield from of_message(file.package, message)
        for enum in file.enum_type:
            yield from of_enum(file.package, enum)
        for service in file.service:
            yield f"{file.package}.{service.name}"
            yield from (f"{file.package}.{service.name}.{m.name}" for m in service.method)

    def test_files_are_those_of_the_sources(self):
        for path, module in (("kindred/v1/search.proto", ks.search_pb2),
                             ("kindred/v1/manage.proto", ks.manage_pb2),
                             ("grpc/health/v1/health.proto", health_pb2),
                             ("grpc/reflection/v1alpha/reflection.proto", alpha_pb2)):
            expected = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(expected)
            got = self.files(file_by_filename=path)[0]
            got.ClearField("source_code_info")
            for field in (f for m in got.message_type for f in m.field):
                field.ClearField("json_name")  # the stubs' own copy has none
            for field in (f for m in expected.message_type for f in m.field):
                field.ClearField("json_name")
            self.assertEqual(got, expected)

    def test_what_is_not_there(self):
        extension = self.PB.ExtensionRequest(containing_type="kindred.v1.Image",
                                             extension_number=7)
        answers = self.ask({"file_by_filename": "no.proto"},
                           {"file_containing_symbol": "kindred.v1.NoSuchThing"},
                           {"file_containing_extension": extension},
                           {"all_extension_numbers_of_type": "no.Such"},
                           {"all_extension_numbers_of_type": "kindred.v1.Image"},
                           {"list_services": ""})
        for answer in answers[:4]:
            self.assertEqual(answer.error_response.error_code,
                             grpc.StatusCode.NOT_FOUND.value[0])
            self.assertNotEqual(answer.error_response.error_message, "")
        self.assertEqual(answers[4].all_extension_numbers_response.base_type_name,
                         "kindred.v1.Image")
        self.assertEqual(len(answers[5].list_services_response.service), len(SERVICES))

    def test_a_generic_tool_searches(self):
        """Nothing here but what reflection told: no stub of kindred.v1 is used."""
        pool = descriptor_pool.DescriptorPool()
        files = {}
        for service in self.services():
            files.update((f.name, f) for f in self.files(file_containing_symbol=service))
        added = set()

        def add(file):
            for path in file.dependency:
                add(files[path])
            if file.name not in added:
                added.add(file.name)
                pool.Add(file)
        for file in files.values():
            add(file)
        method = pool.FindServiceByName(SERVICE).FindMethodByName("Search")
        factory = message_factory.MessageFactory(pool)
        request_class = factory.GetPrototype(method.input_type)
        response_class = factory.GetPrototype(method.output_type)
        call = self.server.channel().unary_unary(
            f"/{SERVICE}/{method.name}", request_serializer=request_class.SerializeToString,
            response_deserializer=response_class.FromString)
        uid = ks.exported(self.archive)[3]["sop_instance_uid"]
        response = call(request_class(uid=uid, k=7, explain=True), timeout=30)
        self.assert_same_search(response, kindred_json("search", "--uid", uid, "-k", "7",
                                                       archive=self.archive))


class ReflectionV1(ReflectionOf, Standard):
    PB, STUB = reflection_pb2, reflection_pb2_grpc.ServerReflectionStub


class ReflectionV1Alpha(ReflectionOf, Standard):
    PB, STUB = alpha_pb2, alpha_pb2_grpc.ServerReflectionStub


class ReflectionSwitch(Standard):
    def list_services(self, server):
        stub = reflection_pb2_grpc.ServerReflectionStub(server.channel())
        return list(stub.ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(list_services="")]), timeout=30))

    def test_off_is_off(self):
        with Server(self.archive, server__reflection="off") as server:
            self.assert_status(grpc.StatusCode.UNIMPLEMENTED, "",
                               lambda: self.list_services(server))

    def test_on_loopback_it_is_on_also_without_a_token(self):
        with Server(self.archive, access__file=self.access) as server:
            self.assertEqual(len(self.list_services(server)), 1)


if __name__ == "__main__":
    ks.main()
