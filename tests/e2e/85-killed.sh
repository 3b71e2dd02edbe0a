#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Each program of nacre killed at a system call that is drawn; tests/kill has how.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_killed_at_any_system_call_of_run_create_start_delete]=1500

test_killed_at_any_system_call_of_run_create_start_delete()
{
	local count=${E2E_KILLS:-40}

	full_only "ten minutes"
	make_bundle echo 'done'
	edit '"resources": {' '"resources": {"cpu": {"quota": 100000, "period": 100000}, '
	KILL_TREE=$E2E_NACRE KILL_BUNDLE=$PWD/bundle "$E2E_DIR/../kill/run" "$E2E_BUILD" "$count" > out 2>&1
	STATUS=$?
	take_output
	expect_status 0
	expect_equal "two commands" 2 "$(grep -c '^ok kill' out)"
	show "$OUT"
}

run_subject "$@"
