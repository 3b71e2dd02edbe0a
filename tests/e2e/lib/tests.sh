# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Running and judging tests. A subject, NN-NAME.sh, sources this file and containers.sh, has one
# function test_… per test and ends with: run_subject "$@"
#
# run_subject runs each function in a process group, an empty directory and a time limit of its own and
# looks for what it left behind. Tests say what they expect with the functions expect_…, which print
# what was expected and seen, and go on.
#
# From run-subjects: E2E_TOP (a temporary directory), E2E_WORK (this lane's part of it), E2E_BUILD,
# E2E_FULL, E2E_ONLY (part of a test's name), E2E_SLOW (how many times slower than hardware this host
# is, roughly), E2E_PLACE (direct, emulated), E2E_TOKEN (a descriptor: who has read the byte may print), E2E_USER
# (who starts nacre, if not root).
#
# Starting a process takes a tenth of a second in an emulated host: what runs often uses the shell's
# own means.

# shellcheck disable=SC2034  # for the subjects
E2E_DIR=${BASH_SOURCE[0]%/*}/..
SUBJECT=${0##*/}
SUBJECT=${SUBJECT#[0-9][0-9]-}
SUBJECT=${SUBJECT%.sh}${E2E_USER:+ as a user}

# Seconds that a test may take, by its function's name; 120 if not set.
declare -A LIMITS=()
N_FAILED=0

# --- in a test ---------------------------------------------------------------------------------

failed()	# WHAT… : notes it and goes on, so that one run shows all that is wrong
{
	N_FAILED=$((N_FAILED + 1))
	[ -s "$E2E_WORK/why" ] || printf '%s\n' "$*" > "$E2E_WORK/why"
	printf 'failed: %s\n' "$*"
}

give_up()	# WHAT… : fails, and ends the test
{
	failed "$@"
	exit 1
}

skip()	# WHY… : ends the test, which is no skipped one if something failed before
{
	[ "$N_FAILED" -eq 0 ] || exit 1
	printf '%s\n' "$*" > "$E2E_WORK/skip"
	exit 77
}

full_only()
{
	[ -n "$E2E_FULL" ] || skip "takes ${1:-long}: only with --full"
}

need_command()	# NAME…
{
	local name

	for name in "$@"; do
		command -v "$name" > /dev/null || skip "$name is not installed"
	done
}

show()	# TEXT : of up to 40 lines, for a message
{
	local line n=0

	while IFS= read -r line && [ $((n += 1)) -le 40 ]; do
		printf '    | %s\n' "${line:0:500}"
	done <<< "$1"
}

tell()	# TEXT : behind the result of a test that passes
{
	printf '%s\n' "$*" > "$E2E_WORK/told"
}

expect_equal()	# WHAT EXPECTED SEEN
{
	[ "$2" != "$3" ] || return 0
	failed "$1"
	printf '  expected:\n'
	show "$2"
	printf '  seen:\n'
	show "$3"
	return 1
}

expect_match()	# WHAT REGULAR-EXPRESSION SEEN
{
	[[ ! $3 =~ $2 ]] || return 0
	failed "$1"
	printf '  expected, as a regular expression:\n'
	show "$2"
	printf '  seen:\n'
	show "$3"
	return 1
}

expect_between()	# WHAT LEAST MOST NUMBER
{
	case $4 in
	'' | *[!0-9]*) ;;
	*) [ "$4" -lt "$2" ] || [ "$4" -gt "$3" ] || return 0 ;;
	esac
	failed "$1: $4"
	printf '  expected: %s to %s, seen: %s\n' "$2" "$3" "$4"
	return 1
}

now_ms()
{
	echo $(("${EPOCHREALTIME/[.,]/}" / 1000))
}

# Sleeps without starting a process.
exec {PAUSE_FD}<> <(:)
pause()	# SECONDS
{
	read -rt "$1" -u "$PAUSE_FD" || true
}

wait_until()	# SECONDS COMMAND [ARG…] : until the command succeeds; false when time is up
{
	local end=$(($(now_ms) + $1 * 1000))

	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		pause 0.05
	done
}

# --- around the tests --------------------------------------------------------------------------

run_subject()
{
	local line name

	while IFS= read -r line; do
		name=${line%'()'}
		[ "$name" != "$line" ] || continue
		case $name in
		test_*"${E2E_ONLY-}"*) run_test "$name" ;;
		esac
	done < "$0"
}

run_test()	# FUNCTION
{
	local status group watchdog name=${1#test_} begun

	rm -rf "$E2E_WORK"/{why,skip,told,timeout,test}
	mkdir "$E2E_WORK/test"
	begun=$(now_ms)
	set -m	# a process group for the test, and one for its watchdog
	# what failed after an earlier test is not this one's
	(N_FAILED=0 && cd "$E2E_WORK/test" && "$1" && [ "$N_FAILED" -eq 0 ]) > "$E2E_WORK/log" 2>&1 < /dev/null &
	group=$!
	watch_over "$group" "${LIMITS[$1]:-120}" &
	watchdog=$!
	set +m
	wait "$group"
	status=$?
	kill -KILL -- "-$watchdog" "-$group" 2> /dev/null
	wait "$watchdog" 2> /dev/null
	# also what failed in a subshell of the test, which could not count it
	[ ! -s "$E2E_WORK/why" ] || status=1
	if [ -e "$E2E_WORK/timeout" ]; then
		failed "no end after ${LIMITS[$1]:-120} s" >> "$E2E_WORK/log"
		status=1
	fi
	left_behind > "$E2E_WORK/left"
	if [ -s "$E2E_WORK/left" ]; then
		{
			failed "left behind: $(head -n 3 "$E2E_WORK/left" | tr '\n' ' ')"
			show "$(< "$E2E_WORK/left")"
		} >> "$E2E_WORK/log"
		status=1
	fi
	clean_up
	print_result "$SUBJECT: ${name//_/ }" "$status" $((($(now_ms) - begun + 50) / 100))
}

watch_over()	# GROUP SECONDS
{
	pause "$2"
	: > "$E2E_WORK/timeout"
	kill -TERM -- "-$1"
	pause 5
	kill -KILL -- "-$1"
}

print_result()	# NAME STATUS TENTHS
{
	local result

	if [ "$2" -eq 77 ]; then
		result="skip $1: $(< "$E2E_WORK/skip")"
	elif [ "$2" -eq 0 ]; then
		result="ok $1 ($(($3 / 10)).$(($3 % 10)) s)"
		[ ! -s "$E2E_WORK/told" ] || result+=": $(< "$E2E_WORK/told")"
		[ -z "${E2E_VERBOSE-}" ] || result+=$'\n'$(sed 's/^/    /' "$E2E_WORK/log")
	else
		result="status $2"
		[ ! -s "$E2E_WORK/why" ] || read -r result < "$E2E_WORK/why"
		result="not ok $1: $result"$'\n'$(tail -n 100 "$E2E_WORK/log" | sed 's/^/    /')
		: > "$E2E_TOP/some-failed"
	fi
	: > "$E2E_TOP/progress"
	read -rn 1 -u "$E2E_TOKEN"
	printf '%s\n' "$result"
	printf x >&"$E2E_TOKEN"
}
