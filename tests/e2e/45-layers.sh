#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The layers around the VMM.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

# The guest's kernel finds a processor that makes sense to it, and no register that is not there.
expect_no_complaint()	# FILE
{
	local found

	found=$(tr -d '\r' < "$1" |
		grep -iE 'unchecked MSR|WARNING|BUG|Call Trace|mismatch|inconsisten|firmware bug|tsc: Fast' |
		head -n 5)
	expect_equal "no complaint in the guest's log" "" "$found"
	[ -s "$1" ] || failed "the guest's log is empty"
}

test_processor_of_the_guest()
{
	nacre run --memory 64M --cpus 4 --console-log log --rootfs "$ROOTFS" -- sh -c '
		grep -c ^processor /proc/cpuinfo
		grep -cwE "vmx|svm|arch_perfmon|perfctr_core|pdcm|skinit|ibs|rtm|hle|sgx|intel_pt" \
			/proc/cpuinfo
		grep -cwE "hypervisor" /proc/cpuinfo'
	expect_success $'4\n0\n4'
	expect_no_complaint log
	nacre run --memory 64M --cpus 1 --console-log log --rootfs "$ROOTFS" -- true
	expect_success ''
	expect_no_complaint log
}

test_layers_of_a_container_that_runs()
{
	local pid on=9

	[ -z "${E2E_USER-}" ] || on=10
	start_ready run --name nacre-e2e-layers "${SMALL[@]}" -- sh -c 'trap "exit 0" TERM; echo ready; sleep 100 & wait'
	nacre layers nacre-e2e-layers
	expect_status 0
	expect_silent
	expect_equal "lines" 12 "$(grep -c . <<< "$OUT")"
	expect_match "seccomp inside" ' 6 seccomp +on .*guest says: 2 filters' "$OUT"
	expect_match "the kernel inside" 'guest says: a kernel of its own, 6\.' "$OUT"
	expect_match "all but SELinux and, for root, no host root" ": $on of 11 layers on" "$OUT"
	case $OUT in
	*MISSING*) failed "a layer is missing: $OUT" ;;
	esac
	nacre layers --json nacre-e2e-layers
	expect_status 0
	expect_match "JSON" '"missing": false' "$OUT"
	expect_refused_layers 'nacre-e2e-none' layers nacre-e2e-none
	# a helper outside of its cgroup is a layer that is missing
	for pid in $(cat "$OWN_CGROUPS/nacre/nacre-e2e-layers/cgroup.procs"); do
		! grep -q '^nacre-fsd' "/proc/$pid/comm" || echo "$pid" > "$CGROUPS/cgroup.procs"
	done
	nacre layers nacre-e2e-layers
	expect_status 3
	expect_match "the layer that is missing" ' 3 cgroups +MISSING .*nacre-fsd is not in' "$OUT"
	kill -TERM "$PID"
	finish
}

expect_refused_layers()	# REGULAR-EXPRESSION ARGUMENT…
{
	local wanted=$1

	shift
	nacre "$@"
	expect_status 1
	expect_out ''
	expect_one_line "$wanted"
}

test_run_with_layers()
{
	nacre run --layers "${SMALL[@]}" -- echo hello
	expect_status 0
	expect_out hello
	expect_equal "lines" 12 "$(grep -c . <<< "$ERR")"
	expect_match "capabilities" ' 5 capabilities +on ' "$ERR"
}

# config.json's AppArmor profile is the monitor's; one that the host does not have is no error.
test_apparmor()
{
	make_bundle sh -c 'echo ready; sleep 100'
	edit '"noNewPrivileges"' '"apparmorProfile": "nacre-e2e-none", "noNewPrivileges"'
	start_ready run --bundle bundle nacre-e2e-apparmor
	# a user may not read which profiles there are: to a user only `nacre layers` says it
	[ -n "${E2E_USER-}" ] || expect_match "the warning" 'process.apparmorProfile: "nacre-e2e-none": not applied: ' "$(< err)"
	nacre layers nacre-e2e-apparmor
	expect_status 0
	expect_match "row 8" '^ 8 SELinux .*; AppArmor: nacre-e2e-none is not applied' "$(grep '^ 8' out)"
	nacre delete --force nacre-e2e-apparmor
	finish
	[ "$E2E_PLACE" = emulated ] || skip "loads a profile"
	need_command apparmor_parser
	echo 'profile nacre-e2e { file, capability, network, mount, umount, pivot_root, signal, ptrace, unix, }' |
		"${AS_ROOT[@]}" apparmor_parser --replace --skip-cache || give_up "AppArmor takes no profile here"
	edit '"nacre-e2e-none"' '"nacre-e2e"'
	start_ready run --bundle bundle nacre-e2e-profile
	nacre layers nacre-e2e-profile
	expect_status 0
	expect_match "row 8" '^ 8 SELinux .*; AppArmor: nacre-monitor is nacre-e2e .enforce.' \
		"$(grep '^ 8' out)"
	nacre delete --force nacre-e2e-profile
	finish
	echo 'profile nacre-e2e {}' | "${AS_ROOT[@]}" apparmor_parser --remove
}

run_subject "$@"
