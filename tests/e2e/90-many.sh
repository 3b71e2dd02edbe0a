#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Several containers at once and one after the other.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_three_at_once]=120
LIMITS[test_fifty_in_a_row]=900

test_three_at_once()
{
	local n
	local -a pids=()

	for n in 1 2 3; do
		mkdir "d$n"
		(
			cd "d$n" || exit
			run --name "nacre-e2e-many-$n" -- sh -c "hostname; ps | wc -l; exit $n"
			echo "$STATUS" > status
		) &
		pids+=($!)
	done
	wait "${pids[@]}"
	for n in 1 2 3; do
		expect_equal "status of $n" "$n" "$(cat "d$n/status")"
		expect_match "output of $n" "^nacre-e2e-many-$n"$'\n[3-5]$' "$(cat "d$n/out")"
		expect_equal "standard error of $n" "" "$(cat "d$n/err")"
	done
}

test_users_of_vmms_differ()
{
	local n
	local -a pids=()

	for n in 1 2; do
		mkdir "d$n"
		(cd "d$n" && run -- sh -c 'echo ready; sleep 1000') &
		pids+=($!)
	done
	wait_until $((10 * E2E_SLOW)) both_are_ready || failed "they did not start"
	expect_equal "VMMs, each as another user" 2 "$(processes | sed -n 's/ nacre-vmm$//p' |
		while read -r pid; do stat -c %u "/proc/$pid"; done | grep -vx 0 | sort -u | wc -l)"
	processes | while read -r pid name; do
		[ "$name" != nacre-vmm ] || kill -KILL "$pid"
	done
	wait "${pids[@]}"
}

both_are_ready()
{
	has_line d1/out ready && has_line d2/out ready
} 2> /dev/null

test_fifty_in_a_row()
{
	local n

	full_only "minutes"
	for n in {1..50}; do
		run -- sh -c "echo $n; exit $n"
		expect_status "$n"
		expect_out "$n"
	done
}

run_subject "$@"
