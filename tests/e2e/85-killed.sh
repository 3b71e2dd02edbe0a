#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each program of nacre killed at a system call that is drawn; tests/kill has how.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_killed_at_any_system_call_of_run]=$((E2E_FULL + 0 ? 900 : 150))
LIMITS[test_killed_at_any_system_call_of_run_second_hundred]=900
LIMITS[test_killed_at_any_system_call_of_run_third_hundred]=900
LIMITS[test_killed_at_any_system_call_of_any_verb]=2000
LIMITS[test_killed_at_any_system_call_of_any_verb_second_half]=2000

# tests/kill/run with the real guest; a line for each command that went well.
expect_killed()	# COMMANDS COUNT SEED
{
	KILL_TREE=$E2E_NACRE "$E2E_DIR/../kill/run" "$E2E_BUILD" "$2" "$3" > out 2>&1
	STATUS=$?
	take_output
	expect_status 0
	expect_equal "commands" "$1" "$(grep -c '^ok kill' out)"
	show "$OUT"
}

test_killed_at_any_system_call_of_run()
{
	expect_killed 1 "${E2E_KILLS:-$((E2E_FULL + 0 ? 100 : 8))}" 20261122
}

test_killed_at_any_system_call_of_run_second_hundred()
{
	full_only "ten minutes"
	expect_killed 1 "${E2E_KILLS:-100}" 2
}

test_killed_at_any_system_call_of_run_third_hundred()
{
	full_only "ten minutes"
	expect_killed 1 "${E2E_KILLS:-100}" 3
}

# create, start, delete; and the same with exec and kill.
expect_verbs_killed()	# COUNT SEED
{
	full_only "twenty minutes"
	make_bundle sleep 1000
	edit '"resources": {' '"resources": {"cpu": {"quota": 100000, "period": 100000}, '
	KILL_BUNDLE=$PWD/bundle expect_killed 2 "$1" "$2"
}

test_killed_at_any_system_call_of_any_verb()
{
	expect_verbs_killed "${E2E_KILLS:-75}" 20261122
}

test_killed_at_any_system_call_of_any_verb_second_half()
{
	expect_verbs_killed "${E2E_KILLS:-75}" 2
}

run_subject "$@"
