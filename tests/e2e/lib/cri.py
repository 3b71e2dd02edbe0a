#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""
A small client of the Kubernetes CRI (runtime.v1), which asks what a kubelet or crictl asks.

    cri.py SOCKET < LINES

Each line is "METHOD JSON": the request with the field names of CRI's api.proto. The answer is printed on one
line, "METHOD JSON" or "METHOD error: TEXT". The strings "@pod" and "@container" stand for the ids of the last
RunPodSandbox and CreateContainer, "@config" for the last sandbox's configuration. A line "wait SECONDS METHOD
JSON WORD" asks again until the answer has the word.

Of the messages only the fields that the tests use are here: protobuf is encoded by hand.
"""
import json
import sys
import time

import grpc

# message -> field -> (number, type); types: s string, b bytes, i integer, m map of strings, a message;
# "*" in front of repeated ones
MESSAGES = {
    "Metadata": {"name": (1, "s"), "uid": (2, "s"), "namespace": (3, "s"), "attempt": (4, "i")},
    "PodSandboxConfig": {"metadata": (1, "Metadata"), "hostname": (2, "s"), "log_directory": (3, "s"),
                         "linux": (8, "LinuxPodSandboxConfig")},
    "LinuxPodSandboxConfig": {"sysctls": (3, "m")},
    "RunPodSandboxRequest": {"config": (1, "PodSandboxConfig"), "runtime_handler": (2, "s")},
    "RunPodSandboxResponse": {"pod_sandbox_id": (1, "s")},
    "PodSandbox": {"pod_sandbox_id": (1, "s")},
    "CreateContainerRequest": {"pod_sandbox_id": (1, "s"), "config": (2, "ContainerConfig"),
                               "sandbox_config": (3, "PodSandboxConfig")},
    "ContainerConfig": {"metadata": (1, "ContainerMetadata"), "image": (2, "ImageSpec"),
                        "command": (3, "*s"), "mounts": (7, "*Mount"), "log_path": (11, "s"),
                        "linux": (15, "LinuxContainerConfig")},
    "ContainerMetadata": {"name": (1, "s"), "attempt": (2, "i")},
    "ImageSpec": {"image": (1, "s")},
    "Mount": {"container_path": (1, "s"), "host_path": (2, "s"), "readonly": (3, "i")},
    "LinuxContainerConfig": {"resources": (1, "Resources")},
    "Resources": {"cpu_period": (1, "i"), "cpu_quota": (2, "i"), "memory_limit_in_bytes": (4, "i")},
    "CreateContainerResponse": {"container_id": (1, "s")},
    "Container": {"container_id": (1, "s"), "timeout": (2, "i")},
    "ExecSyncRequest": {"container_id": (1, "s"), "cmd": (2, "*s"), "timeout": (3, "i")},
    "ExecSyncResponse": {"stdout": (1, "b"), "stderr": (2, "b"), "exit_code": (3, "i")},
    "StatsResponse": {"stats": (1, "ContainerStats")},
    "ContainerStats": {"cpu": (2, "CpuUsage"), "memory": (3, "MemoryUsage")},
    "CpuUsage": {"usage_core_nano_seconds": (2, "Value")},
    "MemoryUsage": {"working_set_bytes": (2, "Value")},
    "Value": {"value": (1, "i")},
    "StatusResponse": {"status": (1, "ContainerStatus")},
    "ContainerStatus": {"state": (3, "i"), "exit_code": (7, "i"), "reason": (10, "s")},
    "PodStatusResponse": {"status": (1, "PodStatus")},
    "PodStatus": {"state": (3, "i"), "network": (5, "PodNetwork")},
    "PodNetwork": {"ip": (1, "s")},
    "Empty": {},
}

METHODS = {
    "Version": ("Empty", "Empty"),
    "RunPodSandbox": ("RunPodSandboxRequest", "RunPodSandboxResponse"),
    "PodSandboxStatus": ("PodSandbox", "PodStatusResponse"),
    "StopPodSandbox": ("PodSandbox", "Empty"),
    "RemovePodSandbox": ("PodSandbox", "Empty"),
    "CreateContainer": ("CreateContainerRequest", "CreateContainerResponse"),
    "StartContainer": ("Container", "Empty"),
    "StopContainer": ("Container", "Empty"),
    "RemoveContainer": ("Container", "Empty"),
    "ContainerStatus": ("Container", "StatusResponse"),
    "ContainerStats": ("Container", "StatsResponse"),
    "ExecSync": ("ExecSyncRequest", "ExecSyncResponse"),
}


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def encode_one(number, kind, value):
    if kind == "i":
        return varint(number << 3) + varint(int(value))
    if kind == "s":
        body = value.encode()
    elif kind == "b":
        body = value
    else:
        body = encode(kind, value)
    return varint(number << 3 | 2) + varint(len(body)) + body


def encode(message, values):
    out = b""
    for name, value in values.items():
        number, kind = MESSAGES[message][name]
        if kind == "m":
            for key, text in value.items():
                out += encode_one(number, "b", encode_one(1, "s", key) + encode_one(2, "s", text))
        elif kind[0] == "*":
            out += b"".join(encode_one(number, kind[1:], one) for one in value)
        else:
            out += encode_one(number, kind, value)
    return out


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def decode(message, data):
    fields = {number: (name, kind) for name, (number, kind) in MESSAGES[message].items()}
    values, at = {}, 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
        elif key & 7 == 2:
            length, at = read_varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            raise ValueError(f"{message}: wire type {key & 7}")
        name, kind = fields.get(key >> 3, (None, None))
        if name and kind in "sb":
            values[name] = value.decode(errors="replace")
        elif name and kind == "i":
            values[name] = value
        elif name:
            values[name] = decode(kind, value)
    return values


class Client:
    def __init__(self, socket):
        self.channel = grpc.insecure_channel("unix://" + socket)
        self.known = {}

    def fill(self, value):
        if isinstance(value, dict):
            return {key: self.fill(one) for key, one in value.items()}
        return self.known.get(value, value) if isinstance(value, str) else value

    def ask(self, method, request):
        asked, answered = METHODS[method]
        request = self.fill(request)
        call = self.channel.unary_unary("/runtime.v1.RuntimeService/" + method,
                                        request_serializer=lambda values: encode(asked, values),
                                        response_deserializer=lambda data: decode(answered, data))
        try:
            answer = call(request, timeout=200)
        except grpc.RpcError as error:
            return f"{method} error: {error.details()}"
        if method == "RunPodSandbox":
            self.known |= {"@pod": answer["pod_sandbox_id"], "@config": request["config"]}
        elif method == "CreateContainer":
            self.known["@container"] = answer["container_id"]
        return f"{method} {json.dumps(answer, sort_keys=True)}"

    def ask_until(self, seconds, method, request, word):
        end = time.monotonic() + seconds
        while True:
            answer = self.ask(method, request)
            if word in answer or time.monotonic() > end:
                return answer
            time.sleep(0.2)


def main():
    client = Client(sys.argv[1])
    for line in sys.stdin:
        words = line.split()
        if words[0] == "wait":
            request = " ".join(words[3:-1])
            answer = client.ask_until(float(words[1]), words[2], json.loads(request), words[-1])
        else:
            answer = client.ask(words[0], json.loads(" ".join(words[1:]) or "{}"))
        print(answer, flush=True)


main()
