#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# As an ordinary user who may open /dev/kvm. Only in an emulated host: a user is added.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

ATTACKS=$E2E_BUILD/attacks
# shellcheck source-path=SCRIPTDIR source=../attacks/configurations.sh
. "$E2E_DIR/../attacks/configurations.sh"

LIMITS[test_attacks_on_a_user]=150

need_user()
{
	[ "$E2E_PLACE" = emulated ] || skip "adds a user"
	need_command newuidmap useradd runuser
	id -u nacre-joe > /dev/null 2>&1 || useradd -m -u 3000 nacre-joe
	chmod 666 /dev/kvm
	mkdir -p /run/user/3000
	chown nacre-joe: /run/user/3000 .
	chmod 755 "$E2E_TOP" "$E2E_WORK"
}

# nacre, as the user.
as_joe()	# ARGUMENT…
{
	runuser -u nacre-joe -- env XDG_RUNTIME_DIR=/run/user/3000 "$NACRE" "$@" \
		< "${INPUT:-/dev/null}" > out 2> err
	STATUS=$?
	take_output
}

test_a_container_of_a_user()
{
	need_user
	cp -a "$ROOTFS" rootfs
	chown -R nacre-joe: rootfs
	as_joe run --memory 64M --cpus 1 --rootfs "$PWD/rootfs" -- sh -c '
		id -u; touch /file && chown 33:44 /file && stat -c %u:%g /file; cat /proc/self/uid_map'
	expect_status 0
	expect_silent
	expect_match "what it sees" $'^0\n33:44\n +0 +2147483648 +65536$' "$OUT"
	expect_match "the owner outside" '^1[0-9]+:1[0-9]+$|^[0-9]{6,}:[0-9]{6,}$' "$(stat -c %u:%g rootfs/file)"
	[ ! -e /run/user/3000/nacre/nacre-e2e-joe ] || failed "state is left"
}

test_layers_of_a_user()
{
	need_user
	as_joe run --layers --memory 64M --cpus 1 --rootfs "$ROOTFS" -- echo hello
	expect_status 0
	expect_out hello
	expect_match "no host root" '^10 no host root +on +host: monitor is uid ' "$(grep '^10' err)"
	case $ERR in
	*MISSING*) failed "a layer is missing" && show "$ERR" ;;
	esac
}

test_a_delegated_cgroup()
{
	local leaf=$CGROUPS/nacre-e2e-joe

	need_user
	mkdir -p "$leaf/sub"
	echo +memory +pids > "$CGROUPS/cgroup.subtree_control"
	echo +memory +pids > "$leaf/cgroup.subtree_control"
	chown nacre-joe: "$leaf"/sub "$leaf"/sub/cgroup.{procs,subtree_control,threads}
	mkdir "$leaf/sub/shell"
	chown -R nacre-joe: "$leaf/sub/shell"
	echo "$BASHPID" > "$leaf/sub/shell/cgroup.procs"
	as_joe run --layers --memory 64M --cpus 1 --name nacre-e2e-joe --rootfs "$ROOTFS" -- true
	expect_status 0
	expect_match "its cgroup" "^ 3 cgroups +on +host: $leaf/sub/nacre/nacre-e2e-joe: memory.max [0-9]+, memory.oom.group 1" \
		"$(grep '^ 3' err)"
	make_bundle true
	edit '"resources": {' '"resources": {"cpu": {"cpus": "0"}, '
	as_joe run --bundle "$PWD/bundle" nacre-e2e-joe
	expect_status 125
	expect_match "why not" 'cpu.cpus: "0": the cpuset controller is missing or not delegated' "$ERR"
	echo "$BASHPID" > "$CGROUPS/cgroup.procs"
	rmdir "$leaf/sub/nacre" "$leaf/sub/shell" "$leaf/sub" "$leaf"
}

# The attacks of 66-attacks.sh, on a container whose tree and volume are the user's.
test_attacks_on_a_user()
{
	need_user
	cp -a "$ROOTFS" rootfs
	make_volume
	chown -R nacre-joe: rootfs v
	ROOTFS=$PWD/rootfs
	run_attacks default runuser -u nacre-joe -- env XDG_RUNTIME_DIR=/run/user/3000 "$NACRE" > out 2> err
	STATUS=$?
	take_output
	expect_status 0
	expect_equal "what came of the attacks (< expected, > seen)" "" "$(diff <(expected_of default) out)"
}

run_subject "$@"
