#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Ends that nobody asked for: a guest that panics, powers off or hangs, and each program killed.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_each_program_killed_at_a_random_moment]=600

# Runs a guest whose first program is another one. It must end with one line.
run_hostile()	# PROGRAM REGULAR-EXPRESSION
{
	hostile_tree "$1"
	NACRE_BIN=$HOSTILE expect_refused "$2" run "${SMALL[@]}" -- true
}

test_a_guest_that_panics()
{
	run_hostile init-exits 'guest stopped by itself.*Kernel panic.*Attempted to kill init'
}

test_a_guest_that_powers_off()
{
	# it halts, which the VMM sees when the boot timeout ends
	echo 'boot_timeout = 8' > conf
	NACRE_CONFIG=$PWD/conf run_hostile init-powers-off 'guest stopped by itself.*power off.*System halted'
}

test_a_guest_that_resets_itself()
{
	run_hostile init-reboots 'guest stopped by itself.*reboot'
}

test_a_guest_that_never_comes_up()
{
	local begun

	echo 'boot_timeout = 8' > conf
	begun=$(now_ms)
	NACRE_CONFIG=$PWD/conf run_hostile init-hangs 'guest kernel did not start within 8 s'
	expect_between "milliseconds" 8000 20000 $(($(now_ms) - begun))
}

test_a_first_program_that_is_none()
{
	hostile_tree init-exits
	echo 'not a program' > hostile/libexec/nacre/nacre-init
	NACRE_BIN=$HOSTILE expect_refused 'nacre-init|guest stopped by itself.*panic|first program' run "${SMALL[@]}" -- true
}

# Kills one of the programs of a running container and looks how the others end.
kill_one()	# NAME
{
	local name=$1 begun pid

	start_ready run "${SMALL[@]}" --volume "$PWD:/v" --name nacre-e2e-killed -- \
		sh -c 'sleep 1000 & echo ready; echo kept > /v/kept; wait'
	wait_until 5 test -s kept
	pid=$(process_named "$name")
	begun=$(now_ms)
	kill -KILL "$pid"
	wait_until $((10 * E2E_SLOW)) no_processes || failed "left after 10 s: $(processes)"
	TOOK=$(($(now_ms) - begun))
	# within a second; four times that in an emulated host, whose time says little
	expect_between "milliseconds until all had ended" 0 $((1000 * E2E_SLOW)) "$TOOK"
	wait "$PID"
	STATUS=$?
	OUT=$(< out) ERR=$(< err)
	expect_equal "what was written before" kept "$(cat kept)"
}

test_nacre_vmm_killed()
{
	kill_one nacre-vmm
	expect_status 125
	expect_one_line 'nacre-vmm was killed'
}

test_nacre_fsd_killed()
{
	kill_one nacre-fsd
	expect_status 125
	expect_one_line 'nacre-fsd'
}

test_nacre_monitor_killed()
{
	# the monitor's pid is the container's for an orchestrator: who kills it kills the process
	kill_one nacre-monitor
	expect_match "status" '^(125|137)$' "$STATUS"
	[ "$STATUS" = 137 ] || expect_one_line 'nacre-monitor'
}

test_nacre_killed()
{
	kill_one nacre
	expect_status 137
	expect_silent
	# nobody was left to remove its state: the next one does
	run -- true
	expect_status 0
}

test_monitor_ended_by_SIGTERM_from_an_engine()
{
	# containerd and conmon signal the monitor's pid directly: it goes to the process
	start_ready run "${SMALL[@]}" -- sh -c 'trap "echo handled; exit 8" TERM; echo ready; while :; do sleep 0.1; done'
	kill -TERM "$(process_named nacre-monitor)"
	finish
	expect_status 8
	expect_out $'ready\nhandled'
}

test_two_killed_at_once()
{
	start_ready run "${SMALL[@]}" -- sh -c 'echo ready; exec sleep 1000'
	kill -KILL "$(process_named nacre-vmm)" "$(process_named nacre-fsd)"
	finish
	expect_status 125
	expect_match "a reason" 'nacre-(vmm|fsd)' "$ERR"
}

test_nacre_ended_while_the_guest_boots()
{
	local signal

	for signal in TERM INT; do
		start run "${SMALL[@]}" --name nacre-e2e-early -- true
		wait_until 10 has_process nacre-vmm
		kill -"$signal" "$PID"
		finish
		case $signal in
		TERM) expect_status 143 ;;
		INT) expect_status 130 ;;
		esac
		no_processes || failed "left: $(processes)"
	done
	start run "${SMALL[@]}" --name nacre-e2e-early -- true
	wait_until 10 has_process nacre-vmm
	kill -KILL "$PID"
	wait_until $((2 * E2E_SLOW)) no_processes || failed "left: $(processes)"
	run --name nacre-e2e-early -- echo again
	expect_success again
}

has_process()	# NAME
{
	[ -n "$(process_named "$1")" ]
}

test_each_program_killed_at_a_random_moment()
{
	local name
	local -a names=(nacre-vmm nacre-fsd nacre-monitor nacre)

	full_only "minutes"
	for _ in {1..32}; do
		name=${names[RANDOM % 4]}
		start run "${SMALL[@]}" -- sh -c 'while :; do echo x > /tmp/kill-me; done'
		pause "$((RANDOM % 3)).$((RANDOM % 10))"
		kill -KILL "$(process_named "$name")" 2> /dev/null || kill -KILL "$PID" 2> /dev/null
		if ! wait_until $((5 * E2E_SLOW)) no_processes; then
			failed "left after the end of $name: $(processes)"
			exit 1
		fi
		wait "$PID"
	done
	run -- rm -f /tmp/kill-me
	expect_success ""
}

run_subject "$@"
