#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The machine: processors and memory.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_four_busy_processors]=120
LIMITS[test_1_GiB_of_memory_touched]=300
LIMITS[test_32_processors]=180

test_four_busy_processors()
{
	nacre run --memory 64M --cpus 4 --rootfs "$ROOTFS" -- sh -c '
		nproc
		busy() { i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo done; }
		for n in 1 2 3 4; do busy $n & done
		wait
		grep -c "^cpu[0-3] " /proc/stat
		awk "/^cpu[0-3] / && \$2 + \$3 + \$4 > 0 { n++ } END { print n }" /proc/stat'
	expect_success $'4\ndone\ndone\ndone\ndone\n4\n4'
}

test_32_processors()
{
	full_only "a minute in an emulated host"
	nacre run --memory 256M --cpus 32 --rootfs "$ROOTFS" -- nproc
	expect_success 32
	expect_refused '--cpus 33: expected 1 to 32' run --cpus 33 --rootfs "$ROOTFS" -- true
}

test_1_GiB_of_memory_touched()
{
	# a file of 1 GiB in a tmpfs of the guest, whose end is read again
	make_bundle sh -c '
		dd if=/dev/zero of=/big/file bs=1M count=1023 2> /dev/null
		yes "0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq" | head -c 1048576 >> /big/file
		wc -c < /big/file
		tail -c 64 /big/file'
	add_mount '{"destination": "/big", "type": "tmpfs", "source": "tmpfs", "options": ["size=1200m"]}'
	edit '"resources": {' '"resources": {"memory": {"limit": 1610612736}, '
	nacre run --bundle bundle nacre-e2e-memory
	expect_status 0
	expect_silent
	expect_match "size of the file and its end" \
		$'^1073741824\n0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopq$' "$OUT"
}

test_memory_of_the_guest_is_as_asked()
{
	local total

	nacre run --memory 1536M --cpus 1 --rootfs "$ROOTFS" -- sh -c \
		'sed -n "s/MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo; cat /sys/fs/cgroup/memory.max'
	expect_status 0
	expect_equal "memory.max" 1610612736 "${OUT#*$'\n'}"
	total=${OUT%%$'\n'*}
	# the limit of the container, and what the guest's kernel has besides
	expect_between "KiB of memory" $((1500 * 1024)) $((1600 * 1024)) "$total"
}

test_a_process_beyond_the_limit_is_killed()
{
	run -- sh -c 'tail -n 1 /dev/zero; echo "status $?"'
	expect_status 0
	expect_match "what the shell says of it" 'status 137$' "$OUT"
}

# nacre gives each guest's kernel 64 MiB besides the container's: here the VMM is told that 24 are all.
test_24_MiB_are_enough_for_true()
{
	local vmm

	vmm=$(realpath "$E2E_NACRE/libexec/nacre/nacre-vmm")
	mkdir tiny
	cp -al "$E2E_NACRE"/{bin,libexec,share} tiny/
	rm tiny/libexec/nacre/nacre-vmm
	cat > tiny/libexec/nacre/nacre-vmm <<- EOF
		#!/bin/bash
		words=("\$@")
		for ((i = 0; i < \$#; i++)); do
			[ "\${words[i]}" != --memory ] || words[i + 1]=$((24 << 20))
		done
		exec $vmm "\${words[@]}"
	EOF
	chmod 755 tiny/libexec/nacre/nacre-vmm
	NACRE_BIN=tiny/bin/nacre nacre run "${SMALL[@]}" --rootfs "$ROOTFS" -- /bin/true
	expect_success ''
	NACRE_BIN=tiny/bin/nacre nacre run "${SMALL[@]}" --rootfs "$ROOTFS" -- \
		sed -n 's/MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo
	expect_status 0
	expect_between "KiB of memory, in all" 8192 24576 "$OUT"
}

# The tests stand on /dev/kvm as hardware offers it, in an emulated host as well.
test_kvmhost_runs_directly_where_kvm_is_real()
{
	local out status=0

	out=$("$E2E_DIR/../../tools/kvmhost" --where)
	expect_match "kvmhost --where" '^hardware KVM ' "$out"
	out=$(echo input | "$E2E_DIR/../../tools/kvmhost" --quiet -- \
		sh -c 'cat; echo "$NACRE_KVMHOST"; exit 7') || status=$?
	expect_equal "status of kvmhost" 7 "$status"
	expect_equal "what kvmhost ran" $'input\ndirect' "$out"
	out=$("$E2E_DIR/../../tools/demo" "$E2E_BUILD")
	expect_equal "status of the demo" 0 $?
	expect_match "where the demo ran" '^hardware KVM ' "$out"
	expect_match "what the demo said" $'\nhello from a virtual machine\n' "$out"
}

run_subject "$@"
