"""A Kafka broker, librdkafka's mock cluster, that does what it is told on a port of its own, one line
for each connection: broker.py LIBRDKAFKA TOPIC.

    down, up          closes its connections and takes no others; takes them again. What it has, it keeps.
    refuse CODE       answers every request to produce with this error of the protocol
    accept            ends that
"""
import ctypes
import socketserver
import sys

PRODUCE = 0
MANY = 100_000

librdkafka = ctypes.CDLL(sys.argv[1])
for function in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
    getattr(librdkafka, function).restype = ctypes.c_void_p
librdkafka.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p

error = ctypes.create_string_buffer(512)
client = librdkafka.rd_kafka_new(0, ctypes.c_void_p(librdkafka.rd_kafka_conf_new()), error, ctypes.c_size_t(len(error)))
assert client, error.value
cluster = ctypes.c_void_p(librdkafka.rd_kafka_mock_cluster_new(ctypes.c_void_p(client), 1))
assert librdkafka.rd_kafka_mock_topic_create(cluster, sys.argv[2].encode(), 4, 1) == 0


class Control(socketserver.StreamRequestHandler):
    def handle(self):
        command, *arguments = self.rfile.readline().decode().split()
        if command == "down":
            librdkafka.rd_kafka_mock_broker_set_down(cluster, 1)
        elif command == "up":
            librdkafka.rd_kafka_mock_broker_set_up(cluster, 1)
        elif command == "refuse":
            errors = (ctypes.c_int * MANY)(*[int(arguments[0])] * MANY)
            librdkafka.rd_kafka_mock_push_request_errors_array(cluster, ctypes.c_int16(PRODUCE), ctypes.c_size_t(MANY), errors)
        elif command == "accept":
            librdkafka.rd_kafka_mock_clear_request_errors(cluster, ctypes.c_int16(PRODUCE))
        self.wfile.write(b"done\n")


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Control) as control:
    print(f"up at {librdkafka.rd_kafka_mock_cluster_bootstraps(cluster).decode()}, told at {control.server_address[1]}", flush=True)
    control.serve_forever()
