#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The guest's wall clock stays within 100 ms of the host's: after a pause, and when the host's clock is set.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_clock]=150

# Asks the program in the container for its time and looks at the host's before and after. The guest's clock
# differs by LEAST to MOST microseconds (their distance is what the question took).
look()
{
	local before guest after

	before=${EPOCHREALTIME/[.,]/}
	echo >&"$ASK"
	read -rt 20 guest <&"$TOLD" || give_up "the container does not answer"
	after=${EPOCHREALTIME/[.,]/}
	LEAST=$((guest - after))
	MOST=$((guest - before))
}

# True when the clock was seen to be right within 100 ms, whatever part of the question's time was spent where.
is_right()
{
	look
	[ "$LEAST" -ge -100000 ] && [ "$MOST" -le 100000 ]
}

# True when it was seen to be wrong by more.
is_wrong()
{
	look
	[ "$MOST" -lt -100000 ] || [ "$LEAST" -gt 100000 ]
}

# A single question may take long on a host that is busy: one of several is quick.
expect_right()	# WHEN SECONDS
{
	wait_until "$2" is_right || failed "$1 the clock is not right within 100 ms: $LEAST to $MOST us"
}

# Sets the host's clock forth or back.
step_clock()	# MICROSECONDS
{
	local time=$((${EPOCHREALTIME/[.,]/} + $1))

	date --set "@${time:0:-6}.${time: -6}" > /dev/null
}

test_clock()
{
	mkfifo ask told
	"$NACRE" "${E2E_ROOT[@]}" run "${SMALL[@]}" --name nacre-e2e-clock \
		--volume "$E2E_BUILD/e2e/guest:/opt:ro" -- /opt/clock < ask > told 2> err &
	PID=$!
	exec {ASK}> ask {TOLD}< told
	read -rt $((10 * E2E_SLOW)) line <&"$TOLD"
	expect_equal "what the container said" ready "${line-}" || show "$(< err)"
	expect_right "at first" 5

	nacre pause nacre-e2e-clock
	expect_status 0
	pause 3
	nacre resume nacre-e2e-clock
	expect_status 0
	is_wrong && failed "right after resume the clock is wrong: $LEAST to $MOST us"
	expect_right "after a pause" 5

	if [ "$E2E_PLACE" = emulated ]; then	# nobody else's clock
		step_clock 2000000
		expect_right "after the host's clock was set forth" $((5 * E2E_SLOW))
		step_clock -2000000
		expect_right "after the host's clock was set back" $((5 * E2E_SLOW))
	fi
	exec {ASK}>&-
	finish
	expect_status 0
}

run_subject "$@"
