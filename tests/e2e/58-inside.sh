#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What is asked of a container that runs: ps, kill --all, events, update, pause, resume.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"

LIMITS[test_figures_and_limits]=200
LIMITS[test_pause_and_resume]=200

start_c()	# COMMAND…
{
	"$NACRE_BIN" "${E2E_ROOT[@]}" run -d --name c "${SMALL[@]}" -- "$@" > output 2>&1 < /dev/null
	expect_equal "status of run" 0 $? || show "$(< output)"
}

delete_c()
{
	nacre delete --force c
	expect_status 0
	expect_silent
}

expect_no()	# REGULAR-EXPRESSION ARGUMENT…
{
	local wanted=$1

	shift
	nacre "$@"
	expect_failure 1 "$wanted" "nacre $*"
}

# ps, for programs. nacre's are the guest's pids.
has_processes()	# NUMBER
{
	local pids

	pids=$("$NACRE_BIN" "${E2E_ROOT[@]}" ps --format json c | tr -cd '0-9,[]')
	if is_nacre; then
		[[ $pids == '[1,2,3]' && $1 = 3 || $pids == '[1,2]' && $1 = 2 ]]
	else
		pids=${pids//[!,]/}
		[ "${#pids}" = $(($1 - 1)) ]
	fi
}

test_ps_and_kill()
{
	start_c sh -c 'sleep 1000 & sleep 1001 & trap : USR1; while :; do wait; done'
	wait_until $((2 * E2E_SLOW)) has_processes 3 || failed "ps: no three processes" # the shell has still to start two
	of_nacre "the guest's pids" expect_ps_of_three
	nacre kill c 0
	expect_success ''
	nacre kill c STOP
	expect_success ''
	wait_until $((2 * E2E_SLOW)) init_is T || failed "STOP does not stop it: $OUT"
	nacre kill --regex '^c$' CONT
	expect_success ''
	wait_until $((2 * E2E_SLOW)) init_is S || failed "it does not go on: $OUT"
	of_nacre "its own option" expect_one_killed
	expect_no 'format x: expected table or json' ps --format x c
	nacre kill --all c KILL
	expect_success ''
	wait_until $((2 * E2E_SLOW)) is_stopped || failed "kill --all does not end the container"
	of_nacre "as runc's, not crun's" expect_nobody_there
	expect_no 'container not running' kill c 0
	expect_engine_reads "$NOT_RUNNING"
	delete_c
}

expect_ps_of_three()
{
	nacre ps --format json c
	expect_success '[1,2,3]'
	nacre ps c
	expect_match "the table" $'^UID +PID +PPID +C STIME TTY +TIME CMD\n0 +1 +0 .*sh -c' "$OUT"
	expect_match "the table" $'\n0 +2 +1 .* sleep 1000\n0 +3 +1 .* sleep 1001$' "$OUT"
}

expect_one_killed()
{
	nacre kill --pid 2 c KILL
	expect_success ''
	nacre ps --format json c
	expect_match "without 2" '^\[1,(2,)?3\]$' "$OUT"	# perhaps not reaped yet
	expect_no 'process 999: no such process' kill --pid 999 c TERM
}

expect_nobody_there()
{
	nacre ps --format json c
	expect_success '[]'
	nacre ps c -ef
	expect_match "no processes" $'^UID +PID [^\n]*$' "$OUT"
	nacre kill --all c KILL
	expect_success ''
}

init_is()	# STATE
{
	if ! is_nacre; then
		OUT=$(< "/proc/$(pid_of c)/stat")
		[[ $OUT == *") $1 "* ]]
		return
	fi
	nacre ps c -o pid,state
	[[ $OUT == *"    1 $1"* ]]
}

is_stopped()
{
	nacre state c
	[[ $OUT == *'"status": "stopped"'* ]]
}

# A number of the last figures.
figure()	# PATH OF NAMES
{
	member "$OUT" "$@"
}

test_figures_and_limits()
{
	need_command python3
	only_nacre "events, as runc's"
	start_c sh -c 'sleep 1000 & while :; do wait; done'
	wait_until $((2 * E2E_SLOW)) has_processes 2 || failed "ps: no two processes"
	nacre events --stats c
	expect_status 0
	expect_equal "type" stats "$(figure type)"
	expect_equal "id" c "$(figure id)"
	expect_equal "memory's limit" $((64 << 20)) "$(figure data memory usage limit)"
	expect_between "memory" 100000 $((64 << 20)) "$(figure data memory usage usage)"
	expect_equal "processes" 2 "$(figure data pids current)"
	expect_between "processor time in ns" 1 60000000000 "$(figure data cpu usage total)"
	nacre update --memory 32M --pids-limit 10 --cpu-quota 50000 --cpu-burst 10000 c
	expect_success ''
	expect_no 'cpu.realtimePeriod: not in cgroup v2' update --cpu-rt-period 1000 c
	nacre events --stats c
	expect_equal "memory's limit, updated" $((32 << 20)) "$(figure data memory usage limit)"
	expect_equal "pids' limit, updated" 10 "$(figure data pids limit)"
	printf '{"memory": {"limit": 41943040}, "cpu": {"shares": 512}}' > resources.json
	INPUT=resources.json nacre update --resources - c
	expect_success ''
	nacre update --cpu-burst 20000 --cpu-idle 1 c
	expect_success ''
	nacre exec c cat /sys/fs/cgroup/cpu.max.burst /sys/fs/cgroup/cpu.idle
	expect_success $'20000\n1'
	expect_no 'blockIO.weight: 5: expected 10 to 1000' update --cpu-idle 0 --blkio-weight 5 c
	nacre events --stats c
	expect_equal "memory's limit, from JSON" 41943040 "$(figure data memory usage limit)"
	expect_equal "pids' limit as it was" 10 "$(figure data pids limit)"
	expect_no 'memory.limit: .*: the VM was booted with 64 MiB' update --memory 65M c
	expect_no 'cpu.quota: .*: the VM was booted with 1 processors' update --cpu-quota 200000 c
	expect_no 'memory abc: expected a size' update --memory abc c
	expect_no 'expected JSON' update --resources <(echo '[') c
	expect_no 'memory.limit: 8192: rejecting memory limit: the container uses [1-9]' \
		update --resources <(echo '{"memory": {"limit": 8192, "checkBeforeUpdate": true}}') c
	printf '{"memory": {"limit": 41943040, "checkBeforeUpdate": true}}' > resources.json
	nacre update --resources resources.json c
	expect_success ''
	nacre events --stats c
	expect_equal "memory's limit after refusals" 41943040 "$(figure data memory usage limit)"
	delete_c
}

# As engines write them: bytes, and JSON.
test_limits_that_change()
{
	start_c sh -c 'while :; do sleep 1000; done'
	nacre update --memory 33554432 --pids-limit 10 --cpu-quota 50000 c
	expect_success ''
	nacre exec c sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	expect_success $'33554432\n10\n50000 100000'
	printf '{"memory": {"limit": 41943040}, "pids": {"limit": 20}}' > resources.json
	INPUT=resources.json nacre update --resources - c
	expect_success ''
	nacre exec c sh -c 'cd /sys/fs/cgroup; cat memory.max pids.max cpu.max'
	expect_success $'41943040\n20\n50000 100000'
	delete_c
}

# The kernel kills, and tells.
test_want_of_memory()
{
	only_nacre "events, as runc's"
	start_c sh -c 'sleep 1000 & while :; do wait; done'
	nacre update --memory 24M c
	"$NACRE_BIN" "${E2E_ROOT[@]}" events --interval 1h c > events 2>&1 < /dev/null &
	pause 1
	nacre exec c tail /dev/zero
	expect_status 137
	wait_until "$E2E_SLOW" has_line events '{"type":"oom","id":"c"}' ||
		failed "no event: $(< events)"
	delete_c
	wait_until "$E2E_SLOW" no_job || failed "events does not end with the container"
}

no_job()
{
	[ -z "$(jobs -r)" ]
}

# The guest's clock is between the host's before and after it is read.
expect_right_clock()	# WHEN
{
	local before=$EPOCHREALTIME guest

	nacre exec c date +%s
	guest=$OUT
	expect_between "the guest's clock $1" $((${before%.*} - 1)) $((${EPOCHREALTIME%.*} + 1)) "$guest"
}

expect_calm_console()
{
	expect_match "the guest kernel's log" 'Linux version' "$(< console)"
	expect_equal "reports of a lockup" '' "$(grep -iE 'lockup|stall|clocksource.*unstable' console)"
}

test_pause_and_resume()
{
	local before after log=(--console-log console)

	is_nacre || log=()
	[ "$E2E_PLACE" = emulated ] || skip "sets the clock: only in an emulated host"
	mkdir shared
	"$NACRE_BIN" "${E2E_ROOT[@]}" run -d --name c "${SMALL[@]}" "${log[@]}" --volume "$PWD/shared:/shared" -- \
		sh -c 'while :; do echo tick >> /shared/ticks; sleep 0.1; done' > output 2>&1 < /dev/null
	pause 1
	nacre pause c
	expect_success ''
	nacre state c
	expect_match "state" '"status": "paused"' "$OUT"
	before=$(wc -l < shared/ticks)
	pause 5
	expect_equal "nothing runs while paused" "$before" "$(wc -l < shared/ticks)"
	expect_no 'cannot exec in a paused container$' exec c true
	of_nacre "others' processes are the host's" expect_no 'container that is paused' ps c
	of_nacre "with crun nothing happens" expect_no 'container that is paused' pause c
	nacre resume c
	expect_success ''
	of_nacre "with crun nothing happens" expect_no 'container not paused$' resume c
	expect_right_clock "after a pause"
	of_nacre "a kernel of its own" expect_calm_console
	# set by half an hour, and back
	date -s "@$(($(date +%s) + 1800))" > /dev/null
	pause 2
	expect_right_clock "after the host's clock was set"
	date -s "@$(($(date +%s) - 1800))" > /dev/null
	pause 2
	expect_right_clock "after it was set back"
	pause 1
	after=$(wc -l < shared/ticks)
	[ "$after" -gt "$before" ] || failed "it does not go on"
	# a paused container can be killed and deleted
	nacre pause c
	expect_success ''
	nacre kill c KILL
	expect_success ''
	wait_until $((2 * E2E_SLOW)) is_stopped || failed "a paused container cannot be killed"
	delete_c
}

run_subject "$@"
