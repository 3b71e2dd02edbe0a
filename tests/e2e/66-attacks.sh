#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What a hostile program tries inside a container: tests/attacks, all of them in one start of a container
# for each configuration. An attack that ends otherwise than its source says is a failure, also one that
# is refused for another reason: then another layer has come before the one that was meant.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
ATTACKS=$E2E_BUILD/attacks
# shellcheck source-path=SCRIPTDIR source=../attacks/configurations.sh
. "$E2E_DIR/../attacks/configurations.sh"

LIMITS[test_attacks_on_the_defaults]=150
LIMITS[test_attacks_without_capabilities]=150
LIMITS[test_attacks_with_all_that_config_json_can_give]=150

test_attacks_on_the_defaults()
{
	attack_with default
}

test_attacks_without_capabilities()
{
	attack_with bare
}

test_attacks_with_all_that_config_json_can_give()
{
	attack_with wide
}

# That they are real: with crun, in the namespaces of the host and unconfined, the same programs succeed.
# On a machine that is not thrown away afterwards this would set its clock and load its modules.
test_attacks_on_the_emulated_host()
{
	[ "$E2E_PLACE" = emulated ] || skip "would attack this machine"
	need_command crun
	attack_with crun
}

attack_with()	# CONFIGURATION
{
	local expected n

	run_attacks "$1" "$NACRE" "${E2E_ROOT[@]}" > out 2> err
	STATUS=$?
	take_output
	expected=$(expected_of "$1")
	n=$(wc -l <<< "$expected")
	expect_status 0
	expect_between "number of attacks" 60 1000 "$n"
	expect_equal "what came of $n attacks (< expected, > seen)" "" "$(diff <(echo "$expected") out)"
}

run_subject "$@"
