#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Standard streams: every byte, in order, apart from each other, with ends in both directions.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"

LIMITS[test_100_MiB_through_stdin]=400
LIMITS[test_100_MiB_through_stdout]=600
LIMITS[test_1_GiB_through_both]=900
LIMITS[test_a_slow_reader_loses_nothing_and_costs_no_memory]=400
LIMITS[test_a_slow_process_holds_its_writer_back]=400

sum_of()	# FILE
{
	local sum

	sum=$(sha256sum < "$1")
	echo "${sum%% *}"
}

test_100_MiB_through_stdin()
{
	head -c 100M /dev/urandom > random
	INPUT=random run -- sha256sum
	expect_success "$(sum_of random)  -"
}

test_100_MiB_through_stdout()
{
	local sum

	full_only "minutes in an emulated host"
	# random on the way out, with its sum taken in the guest at the same time
	nacre run "${SMALL[@]}" --volume "$PWD:/v" -- \
		sh -c 'mkfifo /tmp/$$; sha256sum < /tmp/$$ > /v/sum & head -c 104857600 /dev/urandom | tee /tmp/$$; wait; rm /tmp/$$'
	expect_status 0
	expect_silent
	expect_equal "bytes" 104857600 "$(stat -c %s out)"
	sum=$(cut -d ' ' -f 1 sum)
	expect_equal "sum of what came" "$sum" "$(sum_of out)"
}

test_1_GiB_through_both()
{
	local sum

	full_only "minutes"
	sum=$("$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" -- cat \
		< <(head -c 1G /dev/urandom | tee >(sha256sum > sum-in)) | sha256sum)
	expect_equal "sum" "$(< sum-in)" "$sum"
}

test_standard_error_is_apart()
{
	run -- sh -c 'for i in 1 2 3 4 5; do echo out $i; echo err $i >&2; done'
	expect_status 0
	expect_out $'out 1\nout 2\nout 3\nout 4\nout 5'
	expect_equal "standard error" $'err 1\nerr 2\nerr 3\nerr 4\nerr 5' "$ERR"
}

test_standard_error_of_1_MiB_while_standard_output_waits()
{
	mkfifo slow
	"$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" -- sh -c \
		'head -c 1000000 /dev/zero >&2; echo out; head -c 1000000 /dev/zero' > slow 2> err < /dev/null &
	PID=$!
	exec {reader}< slow
	wait_until $((10 * E2E_SLOW)) has_size err 1000000 || failed "standard error did not come: $(stat -c %s err)"
	expect_equal "bytes of standard output" 1000004 "$(wc -c <&"$reader")"
	wait "$PID" || {
		failed "status $?"
		show "$(< err)"
	}
}

has_size()	# FILE BYTES
{
	[ "$(stat -c %s "$1")" -ge "$2" ]
}

test_the_end_of_stdin_arrives()
{
	printf 'one\ntwo' > text
	INPUT=text run -- cat
	expect_success $'one\ntwo'
	INPUT=/dev/null run -- cat
	expect_success ""
	expect_equal "the last line without an end" 7 "$(INPUT=text run -- cat; stat -c %s out)"
}

test_a_closed_stdin_is_an_empty_one()
{
	only_nacre "others take it for a mistake"
	"$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" -- sh -c 'cat; echo end' <&- > out 2> err
	STATUS=$? OUT=$(< out) ERR=$(< err)
	expect_success end
}

test_a_dialogue_line_by_line()
{
	local answer

	coproc "$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" -- sh -c 'while read -r x; do echo "<$x>"; done' 2> err
	PID=$COPROC_PID
	for word in a bb ccc; do
		echo "$word" >&"${COPROC[1]}"
		read -rt $((10 * E2E_SLOW)) -u "${COPROC[0]}" answer || failed "no answer to $word"
		expect_equal "answer" "<$word>" "$answer"
	done
	eval "exec ${COPROC[1]}>&-"
	wait_until $((2 * E2E_SLOW)) is_gone "$PID" || failed "no end after the end of stdin"
}

test_a_closed_stdout_ends_the_writer()
{
	local lines status words=(--init -- yes nacre)

	# not as process 1, which SIGPIPE does not end
	is_nacre || words=(-- sh -c 'yes nacre; exit $?')
	lines=$(timeout 60 "$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" "${words[@]}" 2> err < /dev/null | head -n 3
		echo "${PIPESTATUS[0]}")
	expect_equal "the first lines" $'nacre\nnacre\nnacre' "${lines%$'\n'*}"
	status=${lines##*$'\n'}
	# 141 as by SIGPIPE; busybox' yes ends with 1 when the signal is ignored
	expect_match "how yes ended" '^(141|1)$' "$status"
	no_processes || failed "processes are left: $(processes)"
}

test_output_before_the_end_is_complete()
{
	local i

	for i in 1 2 3; do
		run -- sh -c 'seq 1 50000; exit 6'
		expect_status 6
		expect_equal "lines, run $i" "50000 50000" "$(wc -l < out) $(tail -n 1 out)"
	done
}

test_output_of_a_background_child_before_the_end()
{
	# the child holds stdout and is killed with the namespace: what it wrote before is there
	run -- sh -c '(echo child; sleep 1000) & sleep 1; echo parent'
	expect_success $'child\nparent'
}

# RSS of a process, in KiB, without what is guest memory (shared or huge mappings count there).
rss_of()	# PID
{
	local name value

	while read -r name value _; do
		[ "$name" != VmRSS: ] || echo "$value"
	done < "/proc/$1/status"
}

test_a_slow_reader_loses_nothing_and_costs_no_memory()
{
	only_nacre "another has no processes in between"
	local name pid
	local -A before=()

	mkfifo slow
	"$NACRE_BIN" "${E2E_ROOT[@]}" run "${SMALL[@]}" -- sh -c \
		'echo ready >&2; read x < /proc/1/fd/0; seq 1 5000000' > slow 2> err < <(pause 3; echo go; exec sleep 100) &
	PID=$!
	exec {reader}< slow
	wait_until $((10 * E2E_SLOW)) has_line err ready || failed "did not start"
	for name in nacre nacre-monitor nacre-vmm; do
		pid=$(process_named "$name")
		before[$name]="$pid $(rss_of "$pid")"
	done
	# the guest writes now, and nobody reads
	pause 6
	for name in nacre nacre-monitor nacre-vmm; do
		read -r pid rss <<< "${before[$name]}"
		expect_between "KiB that $name grew while nobody read" 0 20000 $(($(rss_of "$pid") - rss + 4000))
	done
	expect_equal "sum" "$(seq 1 5000000 | sha256sum)" "$(sha256sum <&"$reader")"
	wait "$PID" || failed "status $?"
}

test_a_slow_process_holds_its_writer_back()
{
	only_nacre "another has no processes in between"
	local pid rss

	start run "${SMALL[@]}" -- true
	finish
	# 64 MiB to a process that reads after a while
	head -c 64M /dev/urandom > random
	INPUT=random start run "${SMALL[@]}" -- sh -c 'echo ready; sleep 4; sha256sum'
	wait_until $((10 * E2E_SLOW)) is_ready_or_gone
	pid=$(process_named nacre-monitor)
	pause 2
	rss=$(rss_of "$pid")
	expect_between "KiB of nacre-monitor while nobody reads in the guest" 1 8000 "$rss"
	finish 60
	expect_status 0
	expect_out "ready
$(sum_of random)  -"
}

run_subject "$@"
