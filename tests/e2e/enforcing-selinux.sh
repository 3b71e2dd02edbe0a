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

LIMITS[test_own_types_and_the_levels_of_config_json]=150
LIMITS[test_categories_alone_keep_containers_apart]=100
LIMITS[test_labels_that_are_refused]=100

POLICY=$E2E_BUILD/e2e/selinux/etc/selinux
LABEL=system_u:system_r:container_t

# Once: loads the policy, labels what is there, and turns enforcing on.
need_selinux()
{
	[ "$E2E_PLACE" = emulated ] || skip "changes the machine's policy"
	[ -d "$POLICY" ] || skip "no policy was made: $(cat "$E2E_BUILD/e2e/selinux.why")"
	[ -e /sys/fs/selinux/load ] || skip "the host was not started with SELinux"
	if [ ! -e "$E2E_TOP/policy-loaded" ]; then
		: > "$E2E_TOP/policy-loaded"
		cp -a "$POLICY/." /etc/selinux/
		# the whole policy in one write
		dd if="$(echo "$POLICY"/default/policy/policy.*)" of=/sys/fs/selinux/load bs=64M status=none ||
			failed "the policy does not load"
		sysctl -q kernel.printk_ratelimit=0
	fi
	setenforce 0
	chcon -R -h -t usr_t "$E2E_NACRE/share"
	chcon -t bin_t "$E2E_NACRE"/{bin/nacre,libexec/nacre/nacre-init}
	for program in vmm fsd monitor; do
		chcon -t "nacre_${program}_exec_t" "$E2E_NACRE/libexec/nacre/nacre-$program"
	done
	chcon -R -h -t nacre_file_t .
	# as udev would
	chcon -t null_device_t /dev/null
	chcon -t kvm_device_t /dev/kvm
	setenforce 1
	dmesg --clear
}

# A tree with the type of containers' files.
make_tree()	# DIRECTORY LEVEL
{
	cp -dRp "$ROOTFS" "$1" # without the labels
	chcon -R -h -t nacre_file_t -l "$2" "$1"
}

# Denials since the last call.
denials()
{
	dmesg | grep -oE 'avc: +denied .*' | sed -E 's/ (pid|ino)=[0-9]+//g' | sort -u
	dmesg --clear
}

expect_denial()	# PERMISSION SOURCE TARGET CLASS
{
	expect_match "a denial" "denied +\\{ $1 \\} .*scontext=[a-z_:]+:$2 tcontext=[a-z_:]+:$3 tclass=$4" \
		"$DENIALS"
}

label_of()	# PROGRAM
{
	tr -d '\0' < "/proc/$(process_named "$1")/attr/current"
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
	expect_equal "the VMM" "system_u:system_r:nacre_vmm_t:s0:c1,c2" "$(label_of nacre-vmm)"
	expect_equal "the broker" "system_u:system_r:nacre_fsd_t:s0:c1,c2" "$(label_of nacre-fsd)"
	expect_equal "the monitor" "system_u:system_r:nacre_monitor_t:s0:c1,c2" "$(label_of nacre-monitor)"
	expect_match "a new file has the container's level" 'nacre_file_t:s0:c1,c2 ' "$(ls -Z c1/new)"
	nacre layers nacre-e2e-selinux
	expect_status 0
	expect_match "row 8" '^ 8 SELinux +on +host: system_u:system_r:nacre_vmm_t:s0:c1,c2, and types' \
		"$(grep '^ 8' <<< "$OUT")"
	nacre exec nacre-e2e-selinux cat /new
	expect_status 0
	nacre delete --force nacre-e2e-selinux
	finish
	expect_equal "nothing was denied" "" "$(denials)"
	run --layers -- echo hello
	expect_out hello
	expect_match "a pair of its own" '^ 8 SELinux +on +host: [a-z_:]+:nacre_vmm_t:s0:c[0-9]+,c[0-9]+, ' \
		"$(grep '^ 8' <<< "$ERR")"
	expect_equal "nothing was denied" "" "$(denials)"
}

# Runs a program in a domain of container 1, with the file as its input: what the VMM does with a file
# that somebody has opened for it. What the domain may not have, the kernel replaces by /dev/null.
in_domain()	# DOMAIN FILE [ARGUMENT…]
{
	runcon "system_u:system_r:nacre_$1_t:s0:c1,c2" "./busybox-$1" head -n 1 "${@:3}" < "$2" 2>&1
	DENIALS=$(denials)
}

test_categories_alone_keep_containers_apart()
{
	local domain

	need_selinux
	make_tree c1 s0:c1,c2
	make_tree c2 s0:c3,c4
	echo one > c1/file
	echo two > c2/file
	chcon -t nacre_file_t -l s0:c1,c2 c1/file
	chcon -t nacre_file_t -l s0:c3,c4 c2/file
	echo other > other
	chcon -t shadow_t other
	for domain in vmm fsd; do
		cp /bin/busybox "busybox-$domain"
		chcon -t "nacre_${domain}_exec_t" "busybox-$domain"
		in_domain "$domain" c1/file > seen
		expect_equal "$domain: its own file" one "$(< seen)"
		in_domain "$domain" c2/file > seen
		expect_equal "$domain: a file of another container, equal types" "" "$(< seen)"
		expect_denial '.*read.*' "nacre_${domain}_t:s0:c1,c2" nacre_file_t:s0:c3,c4 file
		in_domain "$domain" other > seen
		expect_equal "$domain: a file of another type" "" "$(< seen)"
		expect_denial '.*read.*' "nacre_${domain}_t:s0:c1,c2" shadow_t:s0 file
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
	DENIALS=$(denials)
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
