#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The cgroup that systemd makes. A systemd of its own, with its D-Bus, is process 1 of a pid namespace and
# of a cgroup namespace; nacre runs beside it there.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_a_scope]=200

SYSTEMD=/lib/systemd/systemd
TOP=$CGROUPS/nacre-e2e-systemd

# Sets SYSTEMD_PID.
start_systemd()
{
	local service=dbus.service

	need_command "$SYSTEMD" dbus-daemon busctl systemctl nsenter
	[ -e "$CGROUPS/cgroup.procs" ] || skip "/sys/fs/cgroup is not cgroup v2"
	echo +memory +pids +cpu +cpuset > "$CGROUPS/cgroup.subtree_control"
	mkdir "$TOP"
	cat > first <<- EOF
		echo 0 > $TOP/cgroup.procs
		exec unshare --cgroup bash ./second
	EOF
	cat > second <<- EOF
		mount -t proc proc /proc && umount -R $CGROUPS && mount -t cgroup2 cgroup2 $CGROUPS &&
			mount -t tmpfs -o mode=755 run /run || exit 1
		mkdir -p /run/systemd/system /run/dbus
		printf '%s\n' '[Unit]' DefaultDependencies=no '[Socket]' \
			ListenStream=/run/dbus/system_bus_socket > /run/systemd/system/dbus.socket
		printf '%s\n' '[Unit]' DefaultDependencies=no Requires=dbus.socket '[Service]' Type=notify \
			'ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile' \
			> /run/systemd/system/$service
		export container=other
		exec $SYSTEMD --system --unit=$service
	EOF
	unshare --mount --pid --fork --kill-child bash ./first > systemd.log 2>&1 &
	UNSHARE_PID=$!
	wait_until $((15 * E2E_SLOW)) has_bus ||
		give_up "systemd does not come up here: $(tr '\n' ' ' < systemd.log)"
	mkdir "$TOP/test"
}

has_bus()
{
	# (a line without its end)
	read -r SYSTEMD_PID < "/proc/$UNSHARE_PID/task/$UNSHARE_PID/children" || [ -n "$SYSTEMD_PID" ] ||
		return 1
	beside_systemd busctl --no-pager status org.freedesktop.systemd1 > /dev/null 2>&1
}

beside_systemd()	# COMMAND…
{
	nsenter -t "$SYSTEMD_PID" --mount --pid --cgroup -- "$@"
}

stop_systemd()
{
	local -a cgroups

	kill -KILL "$UNSHARE_PID"
	wait "$UNSHARE_PID" 2> /dev/null
	wait_until 10 is_gone "$SYSTEMD_PID"
	mapfile -t cgroups < <(find "$TOP" -depth -type d 2> /dev/null)
	wait_until $((5 * E2E_SLOW)) remove_cgroups "${cgroups[@]}" || failed "cgroups are left: $(find "$TOP" -type d)"
}

nacre_beside_systemd()
{
	{
		echo '#!/bin/sh'
		echo "echo 0 > $TOP/test/cgroup.procs"
		echo "exec nsenter -t $SYSTEMD_PID --mount --pid --cgroup -- $(printf '%q' "$NACRE")" '"$@"'
	} > nacre-beside-systemd
	chmod +x nacre-beside-systemd
	NACRE_BIN=./nacre-beside-systemd
}

property()	# NAME
{
	beside_systemd systemctl show --property "$1" --value nacre-e2e-c1.scope
}

test_a_scope()
{
	local leaf=$TOP/system.slice/nacre-e2e-c1.scope

	start_systemd
	nacre_beside_systemd
	make_bundle sh -c 'echo ready; read -r _'
	edit '"linux": {' '"linux": {"cgroupsPath": "system.slice:nacre-e2e:c1", '
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, "cpu": {"shares": 512, "quota": 50000, "period": 100000, "cpus": "0"}, '
	mkfifo input
	exec 9<> input
	INPUT=input start_ready --systemd-cgroup run --bundle "$PWD/bundle" nacre-e2e-c1
	expect_equal "systemd's memory limit" $(((128 + 1 + 64) << 20)) "$(property MemoryMax)"
	expect_equal "delegated to us" yes "$(property Delegate)"
	expect_equal "its slice" system.slice "$(property Slice)"
	expect_equal "the kernel's limit" $(((128 + 1 + 64) << 20)) "$(cat "$leaf/memory.max")"
	expect_equal "the kernel's weight" 20 "$(cat "$leaf/cpu.weight")"
	expect_equal "processes in the scope" $'nacre-fsd\nnacre-monitor\nnacre-vmm' "$(helpers_in "$leaf")"
	# what systemd is not told it takes back when its configuration is read again
	beside_systemd systemctl daemon-reload
	expect_equal "the kernel's limits behind a reload" $'0\n50000 100000\n0\n20' \
		"$(cat "$leaf"/{memory.swap.max,cpu.max,cpuset.cpus,cpu.weight})"
	nacre update --cpu-share 1024 --cpu-quota 25000 nacre-e2e-c1
	expect_status 0
	beside_systemd systemctl daemon-reload
	expect_equal "and behind an update" $'25000 100000\n39' "$(cat "$leaf"/{cpu.max,cpu.weight})"
	# a unit of this name is there: nothing is started, nothing left
	nacre --systemd-cgroup run --bundle "$PWD/bundle" nacre-e2e-c2
	expect_status 125
	expect_one_line 'systemd refuses nacre-e2e-c1.scope in system.slice: '
	[ ! -e "$E2E_STATE/nacre-e2e-c2" ] || failed "state is left"
	echo >&9
	finish
	expect_status 0
	wait_until 10 is_removed "$leaf"
	[ ! -d "$leaf" ] || failed "the scope is left"
	# at once again under the same name, before systemd has forgotten it
	edit '"sh", "-c", "echo ready; read -r _"' '"true"'
	for _ in 1 2; do
		nacre --systemd-cgroup run --bundle "$PWD/bundle" nacre-e2e-c1
		expect_success ""
	done
	stop_systemd
}

is_removed()	# DIRECTORY
{
	[ ! -d "$1" ]
}

run_subject "$@"
