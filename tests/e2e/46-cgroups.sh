#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The cgroup around a VM and its helpers, on the host.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_a_rogue_guest_stays_within_its_limits]=150

expect_file()	# FILE VALUE
{
	expect_equal "$1" "$2" "$(cat "$1")"
}

test_limits_around_the_helpers()
{
	local leaf=$OWN_CGROUPS/nacre-e2e-limits/c1

	make_bundle sh -c 'echo ready; read -r _; nproc'
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-limits/c1", '
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864, "reservation": 33554432},
		"cpu": {"shares": 512, "quota": 150000, "period": 100000, "cpus": "0", "mems": "0"},
		"pids": {"limit": 50}, '
	mkfifo input
	exec 9<> input
	INPUT=input start_ready run --bundle bundle nacre-e2e-limits
	# 64 MiB and the guest's 64, 1/128 of it for page tables, 64 for the helpers
	expect_file "$leaf/memory.max" $(((128 + 1 + 64) << 20))
	expect_file "$leaf/memory.swap.max" 0
	expect_file "$leaf/memory.low" 33554432
	expect_file "$leaf/memory.oom.group" 1
	expect_file "$leaf/pids.max" 1024
	expect_file "$leaf/cpu.max" "150000 100000"
	expect_file "$leaf/cpu.weight" 20
	expect_file "$leaf/cpuset.cpus" 0
	expect_file "$leaf/cpuset.mems" 0
	expect_equal "processes in the cgroup" $'nacre-fsd\nnacre-monitor\nnacre-vmm' \
		"$(helpers_in "$leaf")"
	"$NACRE" "${E2E_ROOT[@]}" update --cpu-idle 1 nacre-e2e-limits < /dev/null
	expect_equal "status of update" 0 $?
	expect_file "$leaf/cpu.idle" 1
	"$NACRE" "${E2E_ROOT[@]}" update --cpu-idle 0 nacre-e2e-limits < /dev/null
	expect_equal "status of update" 0 $?
	expect_equal "the weight, no longer idle" $'0\n20' "$(cat "$leaf"/{cpu.idle,cpu.weight})"
	echo >&9
	finish
	expect_status 0
	expect_match "processors by the quota" $'ready\n2' "$OUT"
	[ ! -d "$leaf" ] || failed "the cgroup is left"
	rmdir "$OWN_CGROUPS/nacre-e2e-limits"
}

# How often a ring is mapped by the VMM, and any that it could still reach by a descriptor.
rings_of_the_vmm()
{
	local vmm

	vmm=$(process_named nacre-vmm)
	grep -c io_uring "/proc/$vmm/maps"
	find "/proc/$vmm/fd" -lname '*io_uring*'
}

# Linux up to 6.12 has a thread of KVM's for each VM, which is in the cgroup that the VM was made in.
need_worker_of_kvm()
{
	[ "$(printf '%s\n' 6.13 "$(uname -r)" | sort -V | head -n 1)" != 6.13 ] || skip "this kernel has no thread for a VM"
	[ "$(cat /proc/sys/kernel/io_uring_disabled 2> /dev/null || echo 0)" = 0 ] || skip "io_uring is off"
}

# What the kernel does as a VM ends keeps no cgroup of the container's busy; that it is over soon is in 99-leaks.sh.
test_the_end_of_a_vm_is_the_kernels()
{
	local leaf=$OWN_CGROUPS/nacre-e2e-end/c1 own

	need_worker_of_kvm
	own=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
	make_bundle sh -c 'echo ready; read -r _'
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-end/c1", '
	mkfifo input
	exec 9<> input
	INPUT=input start_ready run --bundle bundle nacre-e2e-end
	expect_equal "rings that keep the VM" 1 "$(rings_of_the_vmm)"
	expect_equal "VMMs in the container's cgroup" 1 "$(names_in "$leaf" | grep -cx nacre-vmm)"
	expect_equal "threads of KVM's there" 0 "$(names_in "$leaf" | grep -c kvm-nx-lpage)"
	expect_match "in the caller's" kvm-nx-lpage "$(names_in "$own")"
	echo >&9
	finish
	expect_status 0
	[ ! -d "$leaf" ] || failed "the cgroup is left"
	rmdir "$OWN_CGROUPS/nacre-e2e-end"
}

# More VMs than the kernel may have to close: the next one's end is waited for, as on a host without io_uring.
test_no_place_for_the_end_of_a_vm()
{
	local holder

	need_worker_of_kvm
	make_bundle sh -c 'echo ready; read -r _'
	mkfifo input held
	exec 9<> input 8<> held
	"$NACRE" "${E2E_ROOT[@]}" run --bundle bundle nacre-e2e-first < /dev/null > /dev/null 2>&1
	# each byte that can be locked (F_OFD_SETLK), and those that the other lane gives back as they come
	perl -e 'alarm(120); open(F, "+<", $ARGV[0]) or die "$!\n";
		for ($n = 0;; $n++) {
			for ($i = 0; $i < 256; $i++) { $place = pack("ssx4qqlx4", 1, 0, $i, 1, 0); fcntl(F, 37, $place); }
			syswrite(STDOUT, "held\n") if $n == 0;
			select(undef, undef, undef, 0.02);
		}' "$OWN_STATE-roots/.ends" > held &
	holder=$!
	read -r -t 30 _ <&8 || give_up "the places are not held"
	INPUT=input start_ready run --bundle bundle nacre-e2e-places
	expect_equal "rings that keep the VM" 0 "$(rings_of_the_vmm)"
	echo >&9
	finish
	expect_status 0
	kill "$holder"
	wait "$holder" 2> /dev/null
	INPUT=input start_ready run --bundle bundle nacre-e2e-places
	expect_equal "rings that keep the VM, where there are places" 1 "$(rings_of_the_vmm)"
	echo >&9
	finish
	expect_status 0
}

# A container that another nacre deletes: KVM's thread is in its cgroup, and the VMM ends with its VM.
test_the_end_of_a_vm_that_others_delete()
{
	local leaf=$OWN_CGROUPS/nacre-e2e-end/c2

	need_worker_of_kvm
	make_bundle sleep 1000
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-end/c2", '
	nacre create --bundle bundle nacre-e2e-end
	expect_status 0
	expect_equal "rings that keep the VM" 0 "$(rings_of_the_vmm)"
	expect_equal "threads of KVM's in its cgroup" 1 "$(names_in "$leaf" | grep -c kvm-nx-lpage)"
	nacre delete --force nacre-e2e-end
	expect_status 0
	[ ! -d "$leaf" ] || failed "the cgroup is left"
	rmdir "$OWN_CGROUPS/nacre-e2e-end"
}

test_an_impossible_limit_leaves_nothing()
{
	make_bundle true
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-wrong/c1", '
	edit '"resources": {' '"resources": {"cpu": {"cpus": "4000"}, '
	expect_refused 'linux.resources.cpu.cpus: "4000": refused by the kernel' \
		run --bundle bundle nacre-e2e-wrong
	edit '"cpus": "4000"' '"cpus": ""'
	edit '"resources": {' '"resources": {"blockIO": {"throttleReadBpsDevice": [
		{"major": 250, "minor": 99, "rate": 1000}]}, '
	expect_refused 'linux.resources.blockIO.throttleReadBpsDevice: "250:99 rbps=1000": ' \
		run --bundle bundle nacre-e2e-wrong
	expect_refused 'blockIO.throttleReadBpsDevice: "250:99 rbps=1000": expected a cgroup v2' \
		--cgroup-manager disabled run --bundle bundle nacre-e2e-wrong
	rmdir "$OWN_CGROUPS/nacre-e2e-wrong" 2> /dev/null
}

# A cgroup that has processes of its own cannot hand the io controller down.
test_a_controller_that_is_not_delegated()
{
	mkdir "$OWN_CGROUPS/nacre-e2e-busy"
	sleep 100 &
	echo $! > "$OWN_CGROUPS/nacre-e2e-busy/cgroup.procs"
	make_bundle true
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-busy/c1", '
	edit '"resources": {' '"resources": {"blockIO": {"throttleReadBpsDevice": [
		{"major": 250, "minor": 99, "rate": 1000}]}, '
	expect_refused 'throttleReadBpsDevice: "250:99 rbps=1000": the io controller is missing or not delegated at ' \
		run --bundle bundle nacre-e2e-busy
	[ ! -e "$OWN_CGROUPS/nacre-e2e-busy/c1" ] || failed "the container's cgroup is left"
	kill $!
	wait $!
	rmdir "$OWN_CGROUPS/nacre-e2e-busy"
}

events_of()	# CGROUP : "OOM OOM_KILL"
{
	local name value oom='' kill=''

	while read -r name value; do
		case $name in
		oom) oom=$value ;;
		oom_kill) kill=$value ;;
		esac
	done < "$1/memory.events"
	echo "$oom $kill"
}

has_oom_kill()	# CGROUP COUNT
{
	[ "$(events_of "$1")" = "$2 $2" ]
}

# Memory runs out inside; the host's kernel shows it where engines look, and the VM goes on.
test_oom_inside_shows_on_the_host()
{
	local leaf=$OWN_CGROUPS/nacre-e2e-oom/c1 vmm

	make_bundle sh -c 'echo ready; while read -r x; do tail /dev/zero; echo killed $?; done'
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-oom/c1", '
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, '
	# the kernel of the host would take the VMM, the larger one, before any child with 1000
	edit '"process": {' '"process": {"oomScoreAdj": 1000, '
	mkfifo input
	exec 9<> input
	INPUT=input start_ready run --bundle bundle nacre-e2e-oom
	vmm=$(process_named nacre-vmm)
	expect_file "/proc/$vmm/oom_score_adj" 1000
	expect_file "/proc/$(process_named nacre-fsd)/oom_score_adj" 1000
	expect_equal "before" "0 0" "$(events_of "$leaf")"
	echo >&9
	wait_until $((5 * E2E_SLOW)) has_oom_kill "$leaf" 1 || failed "after one: $(events_of "$leaf")"
	echo >&9
	wait_until $((5 * E2E_SLOW)) has_oom_kill "$leaf" 2 || failed "after two: $(events_of "$leaf")"
	expect_equal "the VMM" "$vmm" "$(process_named nacre-vmm)"
	wait_until "$E2E_SLOW" file_is "$leaf/memory.oom.group" 1
	expect_file "$leaf/memory.oom.group" 1
	wait_until "$E2E_SLOW" file_is "/proc/$vmm/oom_score_adj" 1000 || failed "the score of the VMM"
	expect_file "$leaf/memory.swap.max" 0
	expect_file "$leaf/memory.max" $(((128 + 1 + 64) << 20))
	exec 9>&-
	kill -KILL "$PID"
	wait_until 10 no_processes
	nacre delete --force nacre-e2e-oom
	rmdir "$OWN_CGROUPS/nacre-e2e-oom"
}

# A guest that was taken over takes all that its machine has. On the host that is no more than the container's.
test_a_rogue_guest_stays_within_its_limits()
{
	local leaf=$OWN_CGROUPS/nacre-e2e-rogue/c1 most=0 seen

	full_only "half a minute"
	hostile_tree init-hogs
	echo 'boot_timeout = 100' > conf
	make_bundle true
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-rogue/c1", '
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, "cpu": {"quota": 50000, "period": 100000}, '
	NACRE_CONFIG=$PWD/conf NACRE_BIN=$HOSTILE start run --bundle bundle nacre-e2e-rogue
	wait_until 80 has_taken "$leaf" $((80 << 20)) || failed "the guest took no more than $(cat "$leaf/memory.current")"
	for _ in 1 2 3 4; do
		seen=$(< "$leaf/memory.current")
		[ "$seen" -le "$most" ] || most=$seen
		pause 0.5
	done
	expect_between "bytes" $((80 << 20)) $(((128 + 1 + 64) << 20)) "$most"
	expect_match "its processor time was cut" 'nr_throttled [1-9]' "$(< "$leaf/cpu.stat")"
	expect_equal "nobody was killed for want of memory" "0 0" "$(events_of "$leaf")"
	expect_between "processes and threads" 3 64 "$(< "$leaf/pids.current")"
	expect_equal "processes" $'nacre-fsd\nnacre-monitor\nnacre-vmm' "$(helpers_in "$leaf")"
	kill -KILL "$PID"
	wait_until $((2 * E2E_SLOW)) no_processes || failed "left: $(processes)"
	nacre delete --force nacre-e2e-rogue
	[ ! -d "$leaf" ] || failed "the cgroup is left"
	rmdir "$OWN_CGROUPS/nacre-e2e-rogue"
}

has_taken()	# CGROUP BYTES
{
	[ "$(cat "$1/memory.current" 2> /dev/null || echo 0)" -gt "$2" ]
}

file_is()	# FILE VALUE
{
	[ "$(cat "$1")" = "$2" ]
}

run_subject "$@"
