#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Network and block devices of nacre beside QEMU's, in the same run: iperf3 with eight streams both ways, with
and without vhost-net, and fio on a raw image. One vCPU, 512 MiB; the same kernel, the same files, and for the
network the same way: a tap, joined by tc(8) to one end of a veth pair. QEMU is its microvm, virtio over mmio,
with its defaults (cache=writeback, as nacre has it).

    tools/kvmhost --module vhost_net --module tun -- tools/bench/beside_qemu.py build 5

Processor time is the machine's, all of it: server, guest, workers of the kernel.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from bench_net import HOST, CONTAINER, network
from microvms import KERNEL_OPTIONS, QemuMicrovm, write_archive

MEMORY_MIB = 512
VOLUME_MIB = 128
PATTERNS = (("randread", "4k"), ("randwrite", "4k"), ("read", "1M"), ("write", "1M"))

# In the guest, by nacre and QEMU alike. Each measurement is the lines begin, end and result. The server of iperf3
# 3.12 now and then ends a test with "select failed", of which its client does not hear: then once more.
WORK = f"""#!/bin/sh
seconds=$1 volume=$2
measure()
{{
	name=$1 limit=$2
	shift 2
	for try in 1 2 3; do
		echo "begin $name"
		result=$(timeout "$limit" "$@" 2>&1 | tr -d '\\n\\t')
		echo end
		case $result in
		*'"error":"'* | '') echo "again $name: ${{result:-no answer in $limit s}}" ;;
		*) break ;;
		esac
	done
	echo "result $result"
}}
if [ -z "$volume" ]; then
	measure out $((seconds + 60)) iperf3 -J -c {HOST} -P 8 -t "$seconds"
	measure in $((seconds + 60)) iperf3 -J -c {HOST} -P 8 -t "$seconds" -R
else
	measure block $((5 * seconds + 120)) fio --filename="$volume" --size={VOLUME_MIB}M --direct=1 --ioengine=libaio --iodepth=16 \\
		--thread --time_based --runtime="$seconds" --output-format=json {" ".join(
		f"--stonewall --name={rw}:{bs} --rw={rw} --bs={bs}" for rw, bs in PATTERNS)}
fi
echo done
"""

# The first program of QEMU's guest: finds the disk with the files, and runs the same.
INIT = f"""#!/busybox sh
/busybox mount -t devtmpfs none /dev
for disk in vda vdb; do
	/busybox mount -t ext4 -o ro /dev/$disk /root 2> /dev/null && [ -x /root/work ] && break
	/busybox umount /root
done
volume=
[ "$mode" = net ] || volume=/dev/$([ $disk = vda ] && echo vdb || echo vda)
for type in devtmpfs:dev proc:proc sysfs:sys tmpfs:tmp; do
	/busybox mount -t ${{type%:*}} none /root/${{type#*:}}
done
/busybox ip link set lo up
/busybox ip addr add {CONTAINER}/24 dev eth0 2> /dev/null
/busybox ip link set eth0 up 2> /dev/null
PATH=/bin /busybox chroot /root /work "$seconds" $volume
/busybox reboot -f
"""


def make_tree(tree, busybox):
    """iperf3, fio and busybox with their libraries, and the work."""
    for name in ("bin", "dev", "proc", "sys", "tmp", "run", "etc"):
        os.makedirs(f"{tree}/{name}")
    programs = [shutil.which(name) for name in ("iperf3", "fio")]
    listed = subprocess.run(["ldd", *programs], check=True, stdout=subprocess.PIPE, text=True).stdout
    for path in sorted(set(re.findall(r"(/[^\s:]*\.so\S*) \(", listed))):
        os.makedirs(tree + os.path.dirname(path), exist_ok=True)
        shutil.copy(path, tree + path)
    for path in [*programs, busybox]:
        shutil.copy(path, f"{tree}/bin/")
    for name in ("sh", "timeout", "tr"):
        os.symlink("busybox", f"{tree}/bin/{name}")
    with open(f"{tree}/work", "w", encoding="utf-8") as f:
        f.write(WORK)
    os.chmod(f"{tree}/work", 0o755)


def busy_seconds():
    """Of all processors, since the machine came up."""
    with open("/proc/stat", encoding="ascii") as f:
        user, nice, system, _, _, irq, softirq, steal = map(int, f.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def figures(name, result):
    """What iperf3 or fio says, as lines: what it was, and how much."""
    if "jobs" not in result:
        least = min(interval["sum"]["bytes"] for interval in result["intervals"])
        rate = result["end"]["sum_received"]["bits_per_second"] / 8
        return [(name, f"{rate / 1e6:8.2f} MB/s, in the worst second {least / 1e6:.2f}")]
    lines = []
    for job in result["jobs"]:
        side = job["read" if "read" in job["jobname"] else "write"]
        lines.append((job["jobname"], f"{side['bw_bytes'] / 1e6:8.2f} MB/s, {side['iops']:.0f} operations/s"))
    return lines


def measure(who, command, env=None):
    """Runs the work and prints a line for each measurement."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace",
                               env={**os.environ, **(env or {})})
    name, tail = "", []
    for line in process.stdout:
        line = line.strip()
        tail = [*tail[-20:], line]
        if line.startswith("begin "):
            name, busy, began = line[6:], busy_seconds(), time.monotonic()
        elif line.startswith("again "):
            print(f"{who:12} {name:14} once more: {line[6:300]}", flush=True)
        elif line == "end":
            busy, took = busy_seconds() - busy, time.monotonic() - began
        elif line.startswith("result "):
            try:
                lines = figures(name, json.loads(line[line.index("{"):]))
            except (ValueError, KeyError, IndexError) as error:
                lines = [(name, f"FAILED: {error!r}: {line[:300]}")]
            for what, text in lines:
                print(f"{who:12} {what:14} {text}", flush=True)
            print(f"{who:12} {name:14} processors busy {busy / took:.2f} of {os.cpu_count()}", flush=True)
    if process.wait() or "done" not in tail:
        print(f"{who}: status {process.returncode}", *tail, sep="\n    | ", flush=True)


class Place:
    def __init__(self, work, build, seconds):
        self.work, self.seconds = work, str(seconds)
        for part in ("bin", "libexec", "share/nacre/vmlinux"):
            os.makedirs(os.path.dirname(f"{work}/nacre/{part}"), exist_ok=True)
            (shutil.copytree if os.path.isdir(f"{build}/{part}") else shutil.copy)(
                f"{build}/{part}", f"{work}/nacre/{part}")
        self.nacre, self.kernel = f"{work}/nacre/bin/nacre", f"{work}/nacre/share/nacre/vmlinux"
        busybox = shutil.which("busybox")
        make_tree(f"{work}/tree", busybox)
        subprocess.run(["mkfs.ext4", "-q", "-d", f"{work}/tree", f"{work}/root", "256M"], check=True,
                       stdout=subprocess.DEVNULL)
        write_archive(f"{work}/init.cpio", {"busybox": busybox, "init": INIT.encode()}, ("dev", "root"))
        with open(f"{work}/volume", "wb") as f:
            f.write(os.urandom(1 << 20) * VOLUME_MIB)
        for value in ("off", "on"):
            with open(f"{work}/{value}.conf", "w", encoding="ascii") as f:
                f.write(f"vhost_net = {value}\ncpus = 1\n")

    def nacre_net(self, inner, vhost):
        bundle = f"{self.work}/bundle"
        if not os.path.exists(bundle):
            os.mkdir(bundle)
            subprocess.run([self.nacre, "spec"], cwd=bundle, check=True)
            with open(f"{bundle}/config.json", encoding="utf-8") as f:
                config = json.load(f)
            config["process"].update(terminal=False, args=["/work", self.seconds], env=["PATH=/bin"])
            config["root"] = {"path": f"{self.work}/tree"}
            config["linux"]["namespaces"] = [
                *(n for n in config["linux"]["namespaces"] if n["type"] != "network"),
                {"type": "network", "path": f"/run/netns/{inner}"}]
            config["linux"]["resources"] = {"memory": {"limit": MEMORY_MIB << 20}}
            with open(f"{bundle}/config.json", "w", encoding="utf-8") as f:
                json.dump(config, f)
        measure(f"nacre{' vhost' if vhost else ''}", [self.nacre, "run", "--bundle", bundle, "nacre-bench"],
                {"NACRE_CONFIG": f"{self.work}/{'on' if vhost else 'off'}.conf"})

    def nacre_block(self):
        measure("nacre", [self.nacre, "run", "--cpus", "1", "--memory", f"{MEMORY_MIB}M",
                          "--rootfs", f"{self.work}/tree", "--block", f"{self.work}/volume:/dev/volume",
                          "--env", "PATH=/bin", "--", "/work", self.seconds, "/dev/volume"])

    def qemu(self, mode, devices):
        return [QemuMicrovm.program, "-M", QemuMicrovm.machine, "-accel", "kvm", "-cpu", "host",
                "-bios", QemuMicrovm.bios, "-smp", "1", "-m", f"{MEMORY_MIB}M", "-no-user-config",
                "-nodefaults", "-display", "none", "-no-reboot", "-kernel", self.kernel,
                "-initrd", f"{self.work}/init.cpio", "-append",
                f"{KERNEL_OPTIONS} console=hvc0 mode={mode} seconds={self.seconds}",
                "-device", "virtio-serial-device,max_ports=1", "-chardev", "stdio,id=console,signal=off",
                "-device", "virtconsole,chardev=console",
                "-drive", f"if=none,id=root,format=raw,readonly=on,file={self.work}/root",
                "-device", "virtio-blk-device,drive=root", *devices]

    def qemu_net(self, inner, vhost):
        measure(f"qemu{' vhost' if vhost else ''}", ["ip", "netns", "exec", inner, *self.qemu("net", [
            "-netdev", f"tap,id=net,ifname=tap0,script=no,downscript=no,vhost={'on' if vhost else 'off'}",
            "-device", "virtio-net-device,netdev=net,mac=02:00:00:00:00:02"])])

    def qemu_block(self):
        measure("qemu", self.qemu("block", [
            "-drive", f"if=none,id=volume,format=raw,file={self.work}/volume",
            "-device", "virtio-blk-device,drive=volume"]))


def join_tap(inner):
    """What nacre does for itself, without its checks of senders."""
    def run(*words):
        subprocess.run(["ip", "netns", "exec", inner, *words], check=True)

    run("ip", "addr", "flush", "dev", "eth0")
    run("ip", "link", "set", "eth0", "address", "02:00:00:00:00:02")
    run("ip", "tuntap", "add", "dev", "tap0", "mode", "tap", "vnet_hdr")
    run("ip", "link", "set", "tap0", "up")
    for one, other in (("eth0", "tap0"), ("tap0", "eth0")):
        run("tc", "qdisc", "add", "dev", one, "clsact")
        run("tc", "filter", "add", "dev", one, "ingress", "matchall", "action", "mirred", "egress",
            "redirect", "dev", other)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    build, seconds = os.path.realpath(sys.argv[1]), int(sys.argv[2])
    which = sys.argv[3:] or ["net", "block"]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as work:
        place = Place(work, build, seconds)
        if "net" in which:
            with network() as (world, inner):
                server = subprocess.Popen(["ip", "netns", "exec", world, "sh", "-c",
                                           "while :; do iperf3 -s -1; done"], start_new_session=True,
                                          stdout=subprocess.DEVNULL)
                place.nacre_net(inner, False)
                place.nacre_net(inner, True)
                join_tap(inner)
                place.qemu_net(inner, False)
                place.qemu_net(inner, True)
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        if "block" in which:
            place.nacre_block()
            place.qemu_block()


if __name__ == "__main__":
    main()
