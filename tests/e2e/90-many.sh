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
LIMITS[test_two_hundred_lives_in_a_row]=3600
LIMITS[test_twenty_lives_at_once]=900

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

# A container's whole life, by the verbs of engines: what went wrong, on standard output.
live()	# ID
{
	local id=$1 status

	"$NACRE" "${E2E_ROOT[@]}" create --bundle bundle "$id" > "$id.out" 2>&1 < /dev/null ||
		echo "$id: create: $(< "$id.out")"
	"$NACRE" "${E2E_ROOT[@]}" start "$id" 2>&1 || echo "$id: start"
	"$NACRE" "${E2E_ROOT[@]}" exec "$id" sh -c 'exit 7' 2>&1 < /dev/null
	status=$?
	[ "$status" = 7 ] || echo "$id: exec: status $status"
	"$NACRE" "${E2E_ROOT[@]}" delete --force "$id" 2>&1 || echo "$id: delete"
	rm -f "$id.out"
}

test_two_hundred_lives_in_a_row()
{
	local n

	full_only "20 minutes"
	make_bundle sleep 1000
	edit '"resources": {' '"resources": {"memory": {"limit": 33554432}, "cpu": {"quota": 100000, "period": 100000}, '
	namespaces > before
	for ((n = 1; n <= ${E2E_CYCLES:-200}; n++)); do
		expect_equal "life $n" "" "$(live "nacre-e2e-life-$n")"
	done
	expect_equal "left behind" "" "$(left_behind)"
	[ "$E2E_PLACE" = direct ] || expect_equal "namespaces" "" "$(comm -13 before <(namespaces))"
}

test_twenty_lives_at_once()
{
	local n

	full_only "5 minutes"
	# twenty kernels on two emulated processors
	echo 'boot_timeout = 600' > conf
	export NACRE_CONFIG=$PWD/conf
	make_bundle sleep 1000
	edit '"resources": {' '"resources": {"memory": {"limit": 33554432}, "cpu": {"quota": 100000, "period": 100000}, '
	for n in {1..20}; do
		live "nacre-e2e-life-$n" > "life-$n" &
	done
	wait
	expect_equal "what went wrong" "" "$(cat life-*)"
	expect_equal "left behind" "" "$(left_behind)"
}

run_subject "$@"
