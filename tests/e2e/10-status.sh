#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a container's process says, and how it ends: the caller must see the same as without a VM.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"

test_echo()
{
	run -- echo hello 'two  words' ''
	expect_success "hello two  words "
}

test_exit_status_3()
{
	run -- sh -c 'echo out; echo err >&2; exit 3'
	expect_status 3
	expect_out out
	expect_equal "standard error" err "$ERR"
}

test_a_file_that_is_not_executable_gives_126()
{
	run -- /etc/passwd
	expect_failure 126 '/etc/passwd.*[Pp]ermission denied' "run of a file that is not executable"
	expect_out ""
	expect_engine_reads "$NOT_PERMITTED"
}

test_a_missing_command_gives_127()
{
	run -- no-such-command
	expect_failure 127 'no-such-command' "run of no command"
	expect_out ""
	expect_engine_reads "$NOT_FOUND"
	run -- /no/such/file
	expect_failure 127 '/no/such/file.*(no such file|No such file|not found)' "run of no file"
	expect_engine_reads "$NOT_FOUND"
}

test_a_directory_gives_126()
{
	run -- /etc
	expect_failure 126 '/etc' "run of a directory"
}

test_a_child_killed_by_9_is_137_in_the_shell()
{
	run -- sh -c 'sleep 1000 & kill -9 $!; wait $! 2> /dev/null; echo $?'
	expect_success 137
}

test_a_process_ended_by_a_signal_gives_128_and_the_signal()
{
	only_nacre "a first process of its own, --init"
	# with a reaper the command is no process 1, and every signal ends it
	run --init -- sh -c 'kill -9 $$'
	expect_status 137
	run --init -- sh -c 'kill -TERM $$'
	expect_status 143
}

test_process_1_ended_by_a_fault_gives_139()
{
	# the kernel's own SIGSEGV ends a process 1, too
	run --volume "$E2E_BUILD/e2e/guest/faults:/faults" -- /faults
	expect_status 139
}

test_init_passes_SIGTERM_from_outside()
{
	only_nacre "a first process of its own, --init"
	start_ready run "${SMALL[@]}" --init -- sh -c 'echo ready; exec sleep 1000'
	kill -TERM "$PID"
	finish
	expect_status 143
	# an emulated host's time says nothing
	[ "$E2E_PLACE" = emulated ] || expect_between "milliseconds to end" 0 1000 "$TOOK"
}

test_init_passes_SIGINT_from_outside()
{
	only_nacre "a first process of its own, --init"
	start_ready run "${SMALL[@]}" --init -- sh -c 'echo ready; exec sleep 1000'
	kill -INT "$PID"
	finish
	expect_status 130
}

test_process_1_without_a_handler_ignores_SIGTERM()
{
	mkfifo input
	exec {in}<> input
	INPUT=input start_ready run "${SMALL[@]}" -- sh -c 'echo ready; read line; echo "$line"; exit 5'
	# (SIGINT would not do: busybox' sh has a handler of its own)
	kill -TERM "$PID"
	kill -USR1 "$PID"
	pause 1
	echo survived >&"$in"
	finish
	expect_status 5
	expect_out $'ready\nsurvived'
}

test_process_1_with_a_handler_gets_SIGTERM()
{
	start_ready run "${SMALL[@]}" -- sh -c \
		'trap "echo handled; exit 7" TERM; echo ready; while :; do sleep 0.1; done'
	kill -TERM "$PID"
	finish
	expect_status 7
	expect_out $'ready\nhandled'
}

test_signals_of_other_kinds_arrive()
{
	start_ready run "${SMALL[@]}" -- sh -c 'for s in HUP USR1 USR2 QUIT ALRM; do
		trap "echo $s" $s; done; trap "exit 0" TERM; echo ready; while :; do sleep 0.1; done'
	for signal in HUP USR1 USR2 QUIT ALRM; do
		kill -"$signal" "$PID"
		wait_until 10 has_line out "$signal" || failed "SIG$signal did not arrive"
	done
	kill -TERM "$PID"
	finish
	expect_status 0
}

test_a_caller_with_SIGINT_ignored_still_gets_an_end_by_SIGTERM()
{
	only_nacre "a first process of its own, --init"
	(trap '' INT HUP; exec "$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" --init -- \
		sh -c 'echo ready; exec sleep 1000' > out 2> err < /dev/null) &
	PID=$!
	wait_until $((10 * E2E_SLOW)) is_ready_or_gone
	kill -TERM "$PID"
	finish
	expect_status 143
}

run_subject "$@"
