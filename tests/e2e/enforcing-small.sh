#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SELinux, the quick test: selinux/nacre.cil beside a policy of a hundred lines, enforcing, in an emulated
# host of its own, which run-all starts with SELinux on. With Debian's policy: enforcing-selinux.sh.
# It is never skipped: run-all and prepare give it all that it needs.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/selinux.sh
. "$E2E_DIR/lib/selinux.sh"

LIMITS[test_domains_of_a_container]=120

POLICY=$E2E_BUILD/e2e/small-policy

load_small_policy()
{
	[ "$E2E_PLACE" = emulated ] || give_up "expected an emulated host: this changes the machine's policy"
	[ -s "$POLICY/policy.33" ] || give_up "expected a policy, made by secilc: $(tail -n 3 "$POLICY/log")"
	[ -e /sys/fs/selinux/load ] || give_up "expected a host that was started with SELinux"
	mkdir -p /etc/selinux
	printf 'SELINUX=permissive\nSELINUXTYPE=small\n' > /etc/selinux/config
	# the whole policy in one write
	dd if="$POLICY/policy.33" of=/sys/fs/selinux/load bs=1M status=none ||
		give_up "expected the kernel to take the policy"
	sysctl -q kernel.printk_ratelimit=0
	label_all_and_enforce
}

# Everything in one test: the policy is loaded once.
test_domains_of_a_container()
{
	local domain

	load_small_policy
	make_two_trees
	make_bundle sh -c 'cat /file; echo ready; sleep 100'
	edit "\"$ROOTFS\"" "\"$PWD/c1\""
	edit '"noNewPrivileges"' '"selinuxLabel": "system_u:system_r:container_t:s0:c1,c2", "noNewPrivileges"'
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, '
	start_ready run --bundle bundle nacre-e2e-small
	expect_equal "output" $'one\nready' "$(< out)"
	expect_labels nacre-e2e-small
	nacre delete --force nacre-e2e-small
	finish
	expect_equal "nothing was denied" "" "$(denials)"
	expect_pair_of_its_own
	expect_copies
	# who took over a VMM or a broker
	for domain in vmm fsd; do
		expect_apart "$domain" c1/file c2/file other
	done
	in_domain vmm /dev/null c1/file > seen
	expect_match "the VMM opens nothing" 'Permission denied' "$(< seen)"
	# a container whose tree is another's
	edit "\"$PWD/c1\"" "\"$PWD/c2\""
	nacre run --bundle bundle nacre-e2e-other
	[ "$STATUS" -ge 125 ] || failed "a container ran in another's tree: status $STATUS"
	note_denials
	expect_denial '.*' nacre_fsd_t:s0:c1,c2 nacre_file_t:s0:c3,c4 dir
}

run_subject "$@"
