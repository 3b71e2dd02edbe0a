#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What SELinux would say: Debian's policy with selinux/nacre.cil, asked through checkpolicy's own copy of
# the security server. Needs neither a guest nor a kernel with SELinux; enforcing-selinux.sh has both.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

# Lines "SOURCE TARGET CLASS" from standard input; prints what the policy allows, a line for each.
allowed()
{
	local line source target class n=0
	local -A number=()
	local contexts=() orders=() sids=()

	while read -r source target class; do
		for line in "$source" "$target"; do
			[ -n "${number[$line]-}" ] || contexts+=("$line")
			: "${number[$line]:=$((n++))}"
		done
		orders+=("$source $target $class")
	done
	mapfile -t sids < <(printf '2\n%s\n' "${contexts[@]}" | ask | sed -n 's/^sid //p')
	[ "${#sids[@]}" = "${#contexts[@]}" ] || failed "a label is not valid: ${contexts[*]}"
	{
		printf '2\n%s\n' "${contexts[@]}"
		for line in "${orders[@]}"; do
			read -r source target class <<< "$line"
			printf '0\n%s\n%s\n%s\n' "${sids[number[$source]]}" "${sids[number[$target]]}" "$class"
		done
	} | ask | sed -n 's/.*allowed { *\(.*[^ ]\)* *}.*/\1/p'
}

ask()
{
	{
		cat
		echo q
	} | checkpolicy -M -b -d "$POLICY" 2> /dev/null
}

test_what_the_policy_allows()
{
	local vmm=system_u:system_r:nacre_vmm_t:s0:c1,c2 fsd=system_u:system_r:nacre_fsd_t:s0:c1,c2
	local monitor=system_u:system_r:nacre_monitor_t:s0:c1,c2 file=system_u:object_r:nacre_file_t
	local user=unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023

	POLICY=$(echo "$E2E_BUILD"/e2e/selinux/etc/selinux/default/policy/policy.*)
	[ -e "$POLICY" ] || skip "no policy was made: $(cat "$E2E_BUILD/e2e/selinux.why")"
	need_command checkpolicy
	allowed > seen <<- EOF
		$vmm $file:s0:c1,c2 file
		$vmm $file:s0:c3,c4 file
		$vmm system_u:object_r:shadow_t:s0 file
		$vmm system_u:object_r:kvm_device_t:s0 chr_file
		$vmm $fsd fd
		$fsd $vmm fd
		$fsd $file:s0:c3,c4 file
		$fsd system_u:object_r:etc_t:s0 file
		$fsd system_u:object_r:kvm_device_t:s0 chr_file
		$monitor system_u:object_r:kvm_device_t:s0 chr_file
		$vmm $monitor process
		$vmm system_u:object_r:nacre_fsd_exec_t:s0 file
		$user $vmm process2
	EOF
	# of another container only that the file is there (MCS asks nothing of getattr); an empty line: nothing
	expect_equal "what is allowed" "read write getattr lock append
getattr

ioctl read write getattr
use

getattr





nosuid_transition" "$(< seen)"
	allowed > seen <<- EOF
		$user $vmm process
		$fsd $file:s0:c1,c2 file
	EOF
	expect_match "a user's shell may start it" ' transition ' "$(sed -n 1p seen)"
	expect_match "the broker opens the container's own" ' open' "$(sed -n 2p seen)"
}

run_subject "$@"
