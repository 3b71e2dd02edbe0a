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

run_subject "$@"
