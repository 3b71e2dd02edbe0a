#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SELinux with Debian's policy and selinux/nacre.cil beside it, enforcing. In an emulated host of its own,
# which run-all starts with SELinux on; `prepare` has made the policy.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/selinux.sh
. "$E2E_DIR/lib/selinux.sh"

LIMITS[test_own_types_and_the_levels_of_config_json]=150

POLICY=$E2E_BUILD/e2e/selinux/etc/selinux
LABEL=system_u:system_r:container_t

# Once: loads the policy, labels what is there, and turns enforcing on.
need_selinux()
{
	[ "$E2E_PLACE" = emulated ] || skip "changes the machine's policy"
	if [ ! -d "$POLICY" ]; then
		[ -z "${CI-}" ] || give_up "no policy was made: $(cat "$E2E_BUILD/e2e/selinux.why")"
		skip "no policy was made: $(cat "$E2E_BUILD/e2e/selinux.why")"
	fi
	[ -e /sys/fs/selinux/load ] || give_up "the host was not started with SELinux"
	if [ ! -e "$E2E_TOP/policy-loaded" ]; then
		: > "$E2E_TOP/policy-loaded"
		cp -a "$POLICY/." /etc/selinux/
		# the whole policy in one write
		dd if="$(echo "$POLICY"/default/policy/policy.*)" of=/sys/fs/selinux/load bs=64M status=none ||
			failed "the policy does not load"
		sysctl -q kernel.printk_ratelimit=0
	fi
	label_all_and_enforce
}

test_own_types_and_the_levels_of_config_json()
{
	need_selinux
	make_tree c1 s0:c1,c2
	make_bundle sh -c 'echo one > /f && mkdir /d && mv /f /d/g && ln -s g /d/l && chmod 600 /d/g &&
		cat /d/l && rm -r /d && touch /new && echo ready && sleep 100'
	edit "\"$ROOTFS\"" "\"$PWD/c1\""
	edit '"readonly": true' '"readonly": false'
	edit '"noNewPrivileges"' "\"selinuxLabel\": \"$LABEL:s0:c1,c2\", \"noNewPrivileges\""
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, '
	start_ready run --bundle bundle nacre-e2e-selinux
	expect_equal "output" $'one\nready' "$(< out)"
	expect_labels nacre-e2e-selinux
	expect_match "a new file has the container's level" 'nacre_file_t:s0:c1,c2 ' "$(ls -Z c1/new)"
	nacre exec nacre-e2e-selinux cat /new
	expect_status 0
	nacre delete --force nacre-e2e-selinux
	finish
	expect_equal "nothing was denied" "" "$(denials)"
	expect_pair_of_its_own
	expect_copies
}

test_categories_alone_keep_containers_apart()
{
	local domain

	need_selinux
	make_two_trees
	for domain in vmm fsd; do
		expect_apart "$domain" c1/file c2/file other
	done
	in_domain fsd /dev/null c1/file > seen
	expect_equal "the broker opens its own" one "$(< seen)"
	in_domain vmm /dev/null c1/file > seen
	expect_match "the VMM opens nothing" 'Permission denied' "$(< seen)"
	# a container whose tree is another's: the broker cannot use it
	make_bundle echo hello
	edit "\"$ROOTFS\"" "\"$PWD/c2\""
	edit '"noNewPrivileges"' "\"selinuxLabel\": \"$LABEL:s0:c1,c2\", \"noNewPrivileges\""
	nacre run --bundle bundle nacre-e2e-other
	[ "$STATUS" -ge 125 ] || failed "a container ran in another's tree: status $STATUS"
	expect_out ''
	note_denials
	expect_denial '.*' nacre_fsd_t:s0:c1,c2 nacre_file_t:s0:c3,c4 dir
}

test_labels_that_are_refused()
{
	need_selinux
	make_bundle echo hello
	edit '"noNewPrivileges"' '"selinuxLabel": "a:b", "noNewPrivileges"'
	expect_refused 'process.selinuxLabel: "a:b": expected USER:ROLE:TYPE:LEVEL' \
		run --bundle bundle nacre-e2e-refused
	edit '"a:b"' "\"$LABEL:s0:c5000\""
	expect_refused ':nacre_vmm_t:s0:c5000": expected a label that SELinux.s policy allows' \
		run --bundle bundle nacre-e2e-refused
	edit "$LABEL:s0:c5000" "nobody_u:system_r:container_t:s0:c1"
	expect_refused '"nobody_u:system_r:nacre_vmm_t:s0:c1": expected a label' \
		run --bundle bundle nacre-e2e-refused
	edit nobody_u:system_r:container_t:s0:c1 "$LABEL:s0:c1,c2"
	echo 'selinux_vmm_type = no_such_t' > conf
	NACRE_CONFIG=$PWD/conf expect_refused "SELinux's policy has no type no_such_t" \
		run --bundle bundle nacre-e2e-refused
	# a program that is no entry to the domain
	chcon -t bin_t "$E2E_NACRE/libexec/nacre/nacre-fsd"
	expect_refused 'nacre_fsd_t:s0:c1,c2": expected .*/nacre-fsd to be labelled for it' \
		run --bundle bundle nacre-e2e-refused
}

run_subject "$@"
