#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# After all tests: the machine is as it was before them.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

test_nothing_is_left_of_all_tests()
{
	expect_equal "processes, mounts, state and cgroups" "" "$(left_behind)"
	expect_equal "state of all lanes" "" "$(find "$E2E_TOP"/*/state -mindepth 1)"
	[ "$E2E_PLACE" = direct ] || expect_equal "processes named nacre" "" "$(pgrep -l nacre)"
}

test_namespaces_are_as_before()
{
	if [ "$E2E_PLACE" = direct ]; then
		skip "others make namespaces on this machine, too"
	fi
	expect_equal "namespaces that were not there (type:[inode])" "" \
		"$(comm -13 "$E2E_TOP/namespaces" <(namespaces))"
}

# The last of them a moment after its container has ended (vmm/kvm_apart.h).
has_no_vm_more()
{
	[ "$(vms)" = "$(< "$E2E_TOP/vms")" ]
}

test_no_vm_is_left_in_the_kernel()
{
	if [ "$E2E_PLACE" = direct ]; then
		skip "others have VMs on this machine, too"
	fi
	[ -r /sys/kernel/debug/kvm ] || skip "no /sys/kernel/debug/kvm to count them in"
	wait_until $((5 * E2E_SLOW)) has_no_vm_more || failed "VMs: $(vms), before: $(< "$E2E_TOP/vms")"
}

test_no_program_of_nacre_crashed()
{
	local log

	log=$(dmesg 2> /dev/null | grep -E 'nacre[-a-z]*\[[0-9]+\]: (segfault|traps)|nacre.*general protection|BUG:|Oops')
	expect_equal "crashes in the kernel's log" "" "$log"
}

run_subject "$@"
