# SPDX-License-Identifier: Apache-2.0
"""Virtual machine monitors without a runtime: the same kernel as nacre's, and an initramfs whose only
file is the probe, which is init; for /bin/true it is busybox, and a shell that runs it and ends the
machine. That is less than a container asks for: no files shared, no namespaces, no seccomp, nothing on
the host confined; it is the least that a start can cost there."""

import json
import os
import shutil

from subjects import Subject, first_lines

# panic=0: a kernel that panics stays, and the sample is a failure; a restart would look like an end in good order
KERNEL_OPTIONS = "reboot=t panic=0 tsc=reliable random.trust_cpu=on quiet rdinit=/init"
# where it fails the machine does not end, and the sample is a failure
RUN_TRUE = b"#!/busybox sh\n/busybox true && /busybox reboot -f\n/busybox sleep 100000\n"


def write_archive(path, files, directories=()):
    """A cpio archive ("newc", as in the kernel's Documentation/driver-api/early-userspace/
    buffer-format.rst) of programs: names, and what is in each or the file where that lies."""
    with open(path, "wb") as f:
        for name in directories:
            f.write(_entry(name, 0o040755, b""))
        for name, content in files.items():
            if isinstance(content, str):
                with open(content, "rb") as source:
                    content = source.read()
            f.write(_entry(name, 0o100755, content))
        f.write(_entry("TRAILER!!!", 0, b""))


def _entry(name, mode, content):
    fields = [0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return _padded(header) + _padded(content)


def _padded(data):
    return data + bytes(-len(data) % 4)


class MicroVm(Subject):
    kind = "vm"
    program = ""

    def missing(self):
        return None if shutil.which(self.program) else "not installed"

    def version(self):
        return first_lines([self.program, "--version"])

    def kernel(self):
        return os.path.join(self.setup.build, "share/nacre/vmlinux")

    def initramfs(self, program):
        """With `program` in it, /probe or /bin/true; /dev/console comes with every kernel."""
        path = os.path.join(self.setup.work, os.path.basename(program[0]) + ".cpio")
        if not os.path.exists(path):
            busybox = os.path.join(self.setup.rootfs, "bin/busybox")
            write_archive(path, {"init": RUN_TRUE, "busybox": busybox} if program[0] == "/bin/true" else
                          {"init": self.setup.probe})
        return path


class QemuMicrovm(MicroVm):
    """docs/system/i386/microvm.rst of QEMU: qboot, PVH, no option ROM, and the legacy devices that the
    kernel does not need are off; the console is a virtio one, because a serial one costs more, with a
    single port: others come to be behind the back of the init that wants to write there."""

    name = "qemu-microvm"
    program = "qemu-system-x86_64"
    bios = "/usr/share/qemu/qboot.rom"
    machine = "microvm,acpi=off,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=off"

    def missing(self):
        if not os.path.exists(self.bios):
            return f"{self.bios} is not installed (package qemu-system-data or qboot)"
        return super().missing()

    def command(self, program, name, volume=None, network=None):
        return [self.program, "-M", self.machine, "-accel", "kvm", "-cpu", "host", "-bios", self.bios,
                "-smp", "1", "-m", f"{self.setup.memory_mib}M", "-no-user-config", "-nodefaults",
                "-display", "none", "-no-reboot",
                "-kernel", self.kernel(), "-initrd", self.initramfs(program),
                "-append", " ".join([KERNEL_OPTIONS, "console=hvc0", *program[1:]]),
                "-device", "virtio-serial-device,max_ports=1", "-chardev", "stdio,id=console,signal=off",
                "-device", "virtconsole,chardev=console"]


class Firecracker(MicroVm):
    """docs/getting-started.md of Firecracker, without its API socket. Its console is a serial one, for
    which the kernel has no driver: only the end of the guest can be seen."""

    name = "firecracker"
    program = "firecracker"
    speaks = False

    def command(self, program, name, volume=None, network=None):
        path = os.path.join(self.setup.work, "firecracker.json")
        with open(path, "w", encoding="utf-8") as f:
            json.dump({
                "boot-source": {"kernel_image_path": self.kernel(), "initrd_path": self.initramfs(program),
                                "boot_args": f"{KERNEL_OPTIONS} pci=off"},
                "drives": [],
                "machine-config": {"vcpu_count": 1, "mem_size_mib": self.setup.memory_mib},
            }, f)
        return [self.program, "--no-api", "--config-file", path]


class CloudHypervisor(MicroVm):
    name = "cloud-hypervisor"
    program = "cloud-hypervisor"

    def missing(self):
        return super().missing() or ("its devices are on PCI, which the kernel of nacre's guests "
                                     "does not have, and it has no other way to end a guest")


ALL = (QemuMicrovm, Firecracker, CloudHypervisor)
