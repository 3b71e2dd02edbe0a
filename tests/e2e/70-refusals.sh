#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Bad input: status 125, one line that names the thing, and nothing made. No guest ever starts: this
# subject also runs where /dev/kvm is emulated, around the emulated host.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/network.sh
. "$E2E_DIR/lib/network.sh"

# Runs what follows with another /dev: the arguments before "--" are a command in it.
with_dev()	# SHELL-COMMAND
{
	{
		echo '#!/bin/sh'
		echo 'exec unshare -m --propagation private sh -c '\''mount -t tmpfs dev /dev && mknod -m 666 /dev/null c 1 3'
		echo "$1"
		echo "exec setpriv --bounding-set=-dac_override,-dac_read_search \"\$@\"' -" "$(printf '%q' "$NACRE")" '"$@"'
	} > in-dev
	chmod +x in-dev
	NACRE_BIN=./in-dev
}

test_no_dev_kvm()
{
	with_dev ''
	expect_refused '^nacre: /dev/kvm: there is no KVM' run "${SMALL[@]}" -- true
}

test_no_permission_for_dev_kvm()
{
	with_dev 'mknod -m 000 /dev/kvm c 10 232'
	expect_refused '^nacre: /dev/kvm: no permission' run "${SMALL[@]}" -- true
}

test_dev_kvm_is_something_else()
{
	with_dev 'mknod -m 666 /dev/kvm c 1 3'
	expect_refused '/dev/kvm|KVM' run "${SMALL[@]}" -- true
	with_dev ': > /dev/kvm'
	expect_refused '/dev/kvm|KVM' run "${SMALL[@]}" -- true
}

test_another_user()
{
	chmod 755 "$E2E_WORK" .
	{
		echo '#!/bin/sh'
		# HOME stays root's, whose nacre.conf is not this user's
		echo "exec setpriv --reuid 65534 --regid 65534 --clear-groups $(printf '%q' "$NACRE")" '"$@"'
	} > as-nobody
	chmod +x as-nobody
	NACRE_BIN=./as-nobody expect_refused '/dev/kvm: no permission|expected root' run "${SMALL[@]}" -- true
}

test_kernel_missing_or_no_file()
{
	expect_refused '/no/such/kernel: expected the guest.s kernel: No such file' run "${SMALL[@]}" --kernel /no/such/kernel -- true
	expect_refused '/etc: expected .*kernel' run "${SMALL[@]}" --kernel /etc -- true
	expect_refused '/dev/zero: expected .*kernel' run "${SMALL[@]}" --kernel /dev/zero -- true
	mv "$E2E_NACRE/share/nacre/vmlinux" installed
	expect_refused 'share/nacre/vmlinux: expected the guest.s kernel' run "${SMALL[@]}" -- true
	mv installed "$E2E_NACRE/share/nacre/vmlinux"
}

test_kernel_empty()
{
	damaged_kernel empty 'ELF|short|empty'
}

test_kernel_not_ELF()
{
	damaged_kernel not-elf 'ELF'
}

test_kernel_with_headers_only()
{
	damaged_kernel headers-only 'ELF|program header|short|truncated'
}

test_kernel_truncated()
{
	damaged_kernel truncated 'ELF|segment|end of (the )?file|truncated|short'
}

test_kernel_without_PVH_note()
{
	damaged_kernel no-pvh-note 'PVH'
}

test_kernel_larger_than_the_memory()
{
	damaged_kernel too-large 'memory|segment'
}

damaged_kernel()	# NAME REGULAR-EXPRESSION
{
	expect_refused "kernel.*($2)" run "${SMALL[@]}" --kernel "$E2E_BUILD/e2e/kernels/$1" -- true
}

test_rootfs_missing_a_file_or_not_given()
{
	expect_refused '--rootfs: /no/such/tree: expected a directory: No such file' run --rootfs /no/such/tree -- true
	expect_refused '--rootfs: /etc/passwd: expected a directory' run --rootfs /etc/passwd -- true
	expect_refused '--rootfs: /: expected a directory of the container.s own' run --rootfs / -- true
	expect_refused '--rootfs: /proc: procfs, sysfs' run --rootfs /proc -- true
	expect_refused '--rootfs: /sys/kernel: procfs, sysfs' run --rootfs /sys/kernel -- true
	expect_refused '--rootfs' run -- true
	expect_refused '--rootfs' run --rootfs
}

test_rootfs_unreadable()
{
	mkdir -m 000 closed
	chown 1000:1000 closed
	with_dev "mknod -m 666 /dev/kvm c 10 $((0x$(stat -c %T /dev/kvm)))"
	expect_refused '--rootfs: .*/closed: .*Permission denied' run --rootfs "$PWD/closed" -- true
}

test_no_command()
{
	expect_refused 'command' run "${SMALL[@]}"
	expect_refused 'command' run "${SMALL[@]}" --
	nacre run "${SMALL[@]}" -- ''
	expect_status 127
	expect_one_line 'exec: "": executable file not found in \$PATH$'
	make_bundle true
	edit '"args": ["true"]' '"args": [""]'
	nacre run --bundle bundle nacre-e2e-wrong
	expect_status 127
	expect_one_line 'config.json: process.args: .*exec: "": executable file not found in \$PATH$'
	nacre create --bundle bundle nacre-e2e-wrong
	expect_status 1
}

test_memory_out_of_range_or_nonsense()
{
	local size

	for size in 0 1 23M 65G 99999999999999999999 18446744073709551615 -1 '' many 1.5G 64X 0x40000000 ' 64M' 64M64; do
		expect_refused "--memory $size: expected 24M to 64G" run --memory "$size" --rootfs "$ROOTFS" -- true
	done
	expect_refused '--memory: expected' run --rootfs "$ROOTFS" --memory
}

test_cpus_out_of_range_or_nonsense()
{
	local n

	for n in 0 33 -1 1.5 two '' 4294967297 99999999999999999999; do
		expect_refused "--cpus $n: expected 1 to 32" run --cpus "$n" --rootfs "$ROOTFS" -- true
	done
}

test_unknown_options_and_commands()
{
	local verb

	expect_refused '--nonsense: unknown option' run --nonsense "${SMALL[@]}" -- true
	expect_refused '-q: unknown option' run -q "${SMALL[@]}" -- true
	expect_refused '--memory-limit' run --memory-limit=1 "${SMALL[@]}" -- true
	expect_refused '--init=yes: expected true or false' run --init=yes "${SMALL[@]}" -- true
	nacre --nonsense run "${SMALL[@]}" -- true
	expect_match "status" '^(1|125)$' "$STATUS"
	expect_one_line '--nonsense'
	nacre no-such-verb
	expect_status 1
	expect_one_line 'no-such-verb'
	nacre
	expect_status 1
	expect_one_line 'command'
	for verb in checkpoint restore; do
		nacre "$verb" --image-path . c1
		expect_status 1
		expect_one_line "^nacre: $verb: not yet supported"
		nacre "$verb" --help
		expect_status 1
	done
}

test_values_of_other_options()
{
	expect_refused '--user root' run "${SMALL[@]}" --user root -- true
	expect_refused '--user 70000' run "${SMALL[@]}" --user 70000 -- true
	expect_refused '--user 1:' run "${SMALL[@]}" --user 1: -- true
	expect_refused '--env =x' run "${SMALL[@]}" --env =x -- true
	expect_refused '--env NAME' run "${SMALL[@]}" --env NAME -- true
	expect_refused '--workdir tmp' run "${SMALL[@]}" --workdir tmp -- true
	expect_refused '--name|"a/b"' run "${SMALL[@]}" --name a/b -- true
	expect_refused '--name|"\.\."' run "${SMALL[@]}" --name .. -- true
	expect_refused '--name|""' run "${SMALL[@]}" --name '' -- true
	expect_refused '--timing /no/where/t: expected a file to write' run "${SMALL[@]}" --timing /no/where/t -- true
	echo kept > timing
	expect_refused '/no/where' run "${SMALL[@]}" --kernel /no/where --timing "$PWD/timing" -- true
	expect_equal "the file of a run that was refused" kept "$(< timing)"
	rm timing
	expect_refused '/no/where' run "${SMALL[@]}" --kernel /no/where --timing "$PWD/timing" -- true
	[ ! -e timing ] || failed "a run that was refused made the file for its times"
	expect_refused '--console-log: /no/where/log' run "${SMALL[@]}" --console-log /no/where/log -- true
	expect_refused '--bundle' run "${SMALL[@]}" --bundle . -- true
}

test_config_json_missing_or_not_JSON()
{
	mkdir bundle
	expect_refused 'bundle/config.json: .*No such file' run --bundle bundle c1
	expect_refused '/no/such/bundle' run --bundle /no/such/bundle c1
	expect_refused 'ID' run --bundle bundle
	: > bundle/config.json
	expect_refused 'config.json: expected JSON' run --bundle bundle c1
	echo '{"ociVersion": "1.0.2"' > bundle/config.json
	expect_refused 'config.json: expected JSON: line [0-9]+' run --bundle bundle c1
	echo '["an array"]' > bundle/config.json
	expect_refused 'config.json: .*object' run --bundle bundle c1
	head -c 100000 /dev/zero | tr '\0' '[' > bundle/config.json
	expect_refused 'config.json: expected JSON' run --bundle bundle c1
	head -c 5M /dev/zero > bundle/config.json
	expect_refused 'config.json: expected at most' run --bundle bundle c1
	rm bundle/config.json
	mkdir bundle/config.json
	expect_refused 'config.json' run --bundle bundle c1
	rmdir bundle/config.json
	mkfifo bundle/config.json
	expect_refused 'config.json: expected a regular file' run --bundle bundle c1
}

# That a change of the default configuration is refused, with what names it.
wrong()	# OLD NEW REGULAR-EXPRESSION
{
	make_bundle true
	edit "$1" "$2"
	expect_refused "config.json: $3" run --bundle bundle nacre-e2e-wrong
}

test_config_json_with_wrong_types()
{
	wrong '"ociVersion": "1.0.2-dev"' '"ociVersion": 1' 'ociVersion'
	wrong '"terminal": false' '"terminal": "no"' 'process.terminal: expected true or false'
	wrong '"uid": 0' '"uid": "root"' 'process.user.uid: expected a number'
	wrong '"uid": 0' '"uid": -1' 'process.user.uid: -1: expected 0 to'
	wrong '"uid": 0' '"uid": 1.5' 'process.user.uid'
	wrong '"args": ["true"]' '"args": "true"' 'process.args: expected an array'
	wrong '"args": ["true"]' '"args": ["true", 1]' 'process.args\[1\]: expected a string'
	wrong '"args": ["true"]' '"args": []' 'process.args: expected a command'
	wrong '"cwd": "/"' '"cwd": "tmp"' 'process.cwd.*absolute'
	wrong '"hostname": "runc"' '"hostname": ["a"]' 'hostname: expected a string'
	wrong '"mounts": [' '"mounts": [7, ' 'mounts\[0\]: expected an object'
	wrong '"root": {' '"root": [], "unused": {' 'root: expected an object'
	wrong '"options": ["nosuid", "noexec", "nodev"]' '"options": "nosuid"' 'mounts\[[0-9]\].options: expected an array'
	wrong '"namespaces": [' '"namespaces": {}, "unused": [' 'linux.namespaces: expected an array'
	wrong '"hard": 1024' '"hard": null' 'process.rlimits\[0\].*hard'
	wrong '"rlimits": [' '"rlimits": [{"type": "RLIMIT_PEARLS", "hard": 1, "soft": 1}, ' 'process.rlimits\[0\]: type: .RLIMIT_PEARLS'
}

test_config_json_with_missing_parts()
{
	wrong '"ociVersion"' '"version"' '"ociVersion" is missing'
	wrong '"ociVersion": "1.0.2-dev"' '"ociVersion": "2.0.0"' 'ociVersion: "2.0.0": expected 1.x'
	wrong '"process": {' '"other": {' '"process" is missing'
	wrong '"linux": {' '"other": {' '"linux" is missing'
	wrong '"cwd": "/"' '"other": "/"' 'process: "cwd" is missing'
	wrong '"args"' '"other"' 'process: "args" is missing'
}

test_config_json_with_what_a_VM_cannot_have()
{
	wrong '{"type": "pid"}, ' '' 'linux.namespaces: expected "pid": a VM cannot share the host.s pid namespace'
	wrong '{"type": "ipc"}, ' '' 'linux.namespaces: expected "ipc"'
	wrong '{"type": "network"}, ' '' 'linux.namespaces: expected "network"'
	wrong '{"type": "mount"}' '{"type": "cgroup"}' 'linux.namespaces: expected "mount"'
	wrong '{"type": "pid"}' '{"type": "pearl"}' 'linux.namespaces\[0\]: type: "pearl"'
	wrong '{"type": "pid"}' '{"type": "pid", "path": "/proc/1/ns/pid"}' 'linux.namespaces\[0\]: path'
	wrong '{"type": "pid"}' '{"type": "pid"}, {"type": "pid"}' 'linux.namespaces\[1\].*pid is given twice'
	wrong '"linux": {' '"linux": {"uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}], ' 'linux.uidMappings'
	wrong '"linux": {' '"linux": {"gidMappings": [{"containerID": 0, "hostID": 10, "size": 2}, {"containerID": 1, "hostID": 20, "size": 1}], ' \
		'linux.gidMappings\[1\]: expected container ids that no mapping before it has'
	wrong '"linux": {' '"linux": {"devices": [{"path": "/dev/kvm", "type": "c", "major": 10, "minor": 232}], ' \
		'linux.devices\[0\].*/dev/kvm'
	wrong '"linux": {' '"linux": {"seccomp": {"defaultAction": "SCMP_ACT_MAYBE"}, ' 'linux.seccomp: defaultAction: "SCMP_ACT_MAYBE"'
	wrong '"linux": {' '"linux": {"seccomp": {"defaultAction": "SCMP_ACT_NOTIFY"}, ' 'linux.seccomp: defaultAction: SCMP_ACT_NOTIFY'
	wrong '"linux": {' '"linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mount"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}]}]}, ' \
		'linux.seccomp.syscalls\[0\].args\[0\].index: 6'
	wrong '"linux": {' '"linux": {"devices": [{"path": "/dev/x", "type": "z"}], ' 'linux.devices\[0\]: type: "z"'
	wrong '"resources": {' '"resources": {"cpu": {"burst": 5}, ' 'linux.resources.cpu.burst: 5'
	wrong '"mounts": [' '"mounts": [{"destination": "/x", "type": "tmpfs", "options": ["sise=1m"]}, ' 'mounts\[0\]: options: "sise=1m": unknown option of tmpfs'
	wrong '"mounts": [' '"mounts": [{"destination": "/x", "type": "nfs", "source": "server:/"}, ' 'mounts\[0\]: type: "nfs"'
	wrong '"linux": {' '"linux": {"netDevices": {"eth0": {}}, ' 'linux.netDevices: not supported'
	wrong '"resources": {' '"resources": {"memory": {"swappiness": 0}, ' 'linux.resources.memory.swappiness: not in cgroup v2'
	wrong '"linux": {' '"linux": {"sysctl": {"kernel.panic": "1"}, ' 'linux.sysctl.*kernel.panic'
	wrong '"linux": {' '"hooks": {"startContainer": [{"path": "bin/true"}]}, "linux": {' 'hooks'
	wrong '"resources": {' '"resources": {"memory": {"limit": 1000}, ' 'linux.resources.memory.limit'
}

# The only id of /etc/subuid is that of a VM which lives: its lock is held.
test_ids_for_VMs_that_are_used_up()
{
	{
		echo '#!/bin/sh'
		echo "exec unshare -m --propagation private sh -c 'mount --bind $PWD/ids /etc/subuid &&
			mount --bind $PWD/ids /etc/subgid && exec \"\$@\"' - $(printf '%q' "$NACRE") \"\$@\""
	} > with-ids
	chmod +x with-ids
	[ -e /etc/subgid ] || skip "no /etc/subgid to mount over"
	echo nacre:1234567:1 > ids
	mkdir -p other
	mkdir -m 700 other/lives
	echo '{"version": 2, "vm": {"uid": 1234567}, "container": {"id": "lives"}}' > other/lives/state.json
	: > other/lives/status
	E2E_ROOT=(--root "$PWD/other") NACRE_BIN=./with-ids
	(
		flock 9
		expect_refused '/etc/subuid: expected an id for one more VM: .*, 1 from 1234567 on, is used up' \
			run "${SMALL[@]}" --name another -- true
		expect_equal "containers" lives "$(cd other && echo *)"
		# also to a container of another --root
		E2E_ROOT=(--root "$PWD/third")
		expect_refused '/etc/subuid: expected an id for one more VM: .*, 1 from 1234567 on, is used up' \
			run "${SMALL[@]}" --name another -- true
		expect_equal "containers of the other root" '' "$(ls third)"
		[ "$N_FAILED" = 0 ]
	) 9< other/lives/status || failed "an id that is taken was given again"
}

test_mounts_of_a_bundle_that_are_not_there()
{
	wrong '"mounts": [' '"mounts": [{"destination": "/x", "type": "bind", "source": "/no/such/source", "options": ["bind"]}, ' \
		'mounts\[0\]: .*/no/such/source.*No such file'
	make_bundle true
	edit "$ROOTFS" /no/such/root
	expect_refused 'root.path: /no/such/root: expected a directory' run --bundle bundle nacre-e2e-wrong
}

test_companions_missing()
{
	local program

	for program in nacre-monitor nacre-vmm nacre-fsd nacre-init; do
		hostile_tree init-exits
		cp "$E2E_NACRE/libexec/nacre/nacre-init" hostile/libexec/nacre/nacre-init
		rm "hostile/libexec/nacre/$program"
		NACRE_BIN=hostile/bin/nacre expect_refused "libexec/nacre/$program: expected" run "${SMALL[@]}" -- true
		rm -r hostile
	done
}

test_block_volumes()
{
	local holder

	truncate -s 1000 odd
	truncate -s 0 empty
	truncate -s 1M image
	mkfifo pipe
	expect_refused '^nacre: --block image: expected FILE:GUEST' run "${SMALL[@]}" --block image -- true
	expect_refused '--block image:dev: expected FILE:GUEST' run "${SMALL[@]}" --block image:dev -- true
	expect_refused '--block image:/d: expected a GUEST that no other' \
		run "${SMALL[@]}" --block image:/d --block image:/d -- true
	expect_refused '--block image:/dev/null: every container has' run "${SMALL[@]}" --block image:/dev/null -- true
	expect_refused '--block image:/dev//pts/7: every container has a /dev/pts of its own' \
		run "${SMALL[@]}" --block image:/dev//pts/7 -- true
	expect_refused '--block image:/proc/x: every container has a /proc' run "${SMALL[@]}" --block image:/proc/x -- true
	expect_refused '--block image:/d/: expected a GUEST without' run "${SMALL[@]}" --block image:/d/ -- true
	expect_refused '--block image:/dev/../d: expected a GUEST without' run "${SMALL[@]}" --block image:/dev/../d -- true
	expect_refused '--block image://d: expected a GUEST that no other' \
		run "${SMALL[@]}" --block image:/d --block image://d -- true
	expect_refused '--block image:/d:rx: expected FILE:GUEST' run "${SMALL[@]}" --block image:/d:rx -- true
	expect_refused '--block none:/d: expected a raw image .*: No such file' \
		run "${SMALL[@]}" --block none:/d -- true
	expect_refused '--block /etc:/d: expected a raw image .*not a directory$' \
		run "${SMALL[@]}" --block /etc:/d -- true
	expect_refused '--block pipe:/d:ro: expected a raw image' run "${SMALL[@]}" --block pipe:/d:ro -- true
	expect_refused '--block odd:/d: 1000 bytes: expected a multiple of 512' \
		run "${SMALL[@]}" --block odd:/d -- true
	expect_refused '--block empty:/d: 0 bytes: expected a multiple' run "${SMALL[@]}" --block empty:/d -- true
	expect_refused 'image:/d4: expected at most 4' run "${SMALL[@]}" --block image:/d0:ro \
		--block image:/d1:ro --block image:/d2:ro --block image:/d3:ro --block image:/d4 -- true
	expect_refused 'image:/e: in use: expected one user' run "${SMALL[@]}" --block image:/d \
		--block image:/e -- true
	expect_refused 'image:/e:ro: in use: expected one user' run "${SMALL[@]}" --block image:/d \
		--block image:/e:ro -- true
	# another program's lock
	python3 -c '
import fcntl, struct, sys
f = open("image", "r+b")
fcntl.fcntl(f, 37, struct.pack("hhlli", fcntl.F_RDLCK, 0, 0, 0, 0))	# F_OFD_SETLK
print("held", flush=True)
sys.stdin.read()' < <(sleep 100) > held &
	holder=$!
	wait_until 10 test -s held
	expect_refused 'image:/d: in use' run "${SMALL[@]}" --block image:/d -- true
	kill "$holder"
}

# A bundle that joins the namespace NAME.
network_bundle()	# NAME
{
	make_bundle true
	edit '{"type": "network"}' "{\"type\": \"network\", \"path\": \"$PWD/$1.ns\"}"
}

# A namespace NAME with an interface eth0, set up by a shell's commands.
interface_in()	# NAME COMMANDS
{
	new_network "$1"
	in_network "$1" ip link add eth0 type veth peer name other
	in_network "$1" sh -c "$2" || skip "cannot make interfaces"
}

test_network_namespaces()
{
	need_command unshare nsenter ip
	make_bundle true
	edit '{"type": "network"}' '{"type": "network", "path": "/no/such/ns"}'
	expect_refused '/no/such/ns: expected a network namespace: No such file' run --bundle bundle id
	edit '/no/such/ns' '/proc/self/ns/mnt'
	expect_refused '/proc/self/ns/mnt: expected a network namespace' run --bundle bundle id
	edit '/proc/self/ns/mnt' '/proc/self/ns/net'
	expect_refused 'expected a namespace of the container.s own' run --bundle bundle id
	if : 2> /dev/null < /proc/1/ns/net; then
		edit '/proc/self/ns/net' '/proc/1/ns/net'
		expect_refused 'expected a namespace of the container.s own' run --bundle bundle id
	fi

	interface_in bare 'ip link set eth0 up'
	network_bundle bare
	expect_refused '^nacre: network interface eth0: expected an address' run --bundle bundle id
	interface_in large 'ip link set eth0 mtu 65535 up && ip addr add 10.1.1.1/24 dev eth0'
	network_bundle large
	expect_refused '^nacre: network interface eth0: MTU 65535: expected at most 65521' run --bundle bundle id
	interface_in two 'ip addr add 10.1.1.1/24 dev eth0 && ip link set eth0 up && ip link set other up &&
		ip addr add 10.1.2.1/24 dev other && ip route add default via 10.1.1.2 metric 5 &&
		ip route append default via 10.1.2.2 metric 5'
	network_bundle two
	expect_refused '^nacre: network: two default routes of the same metric' run --bundle bundle id
}

# The kernel refuses taps, or redirects.
test_tap_and_redirect_refused()
{
	need_command unshare nsenter ip
	interface_in good 'ip addr add 10.1.1.1/24 dev eth0 && ip link set eth0 up && ip link set other up'
	network_bundle good
	with_dev 'mknod -m 666 /dev/kvm c 10 232'
	expect_refused 'network interface [a-z0-9]*: .*(tap: /dev/net/tun: No such file|expected an address)' \
		run --bundle bundle id
	in_network good ip addr add 10.1.3.1/24 dev other
	expect_refused '^nacre: network interface [a-z0-9]*: cannot make a tap: /dev/net/tun: No such file' \
		run --bundle bundle id
	interface_in shared 'ip addr add 10.1.1.1/24 dev eth0 && ip link set eth0 up &&
		tc qdisc add dev eth0 ingress_block 5 clsact'
	network_bundle shared
	NACRE_BIN=$NACRE expect_refused '^nacre: network interface eth0: the kernel refuses to redirect it' \
		run --bundle bundle id
}

run_subject "$@"
