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
LIMITS[test_attacks_on_a_process_that_joins]=150
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

# What joins by exec is the runtime's until its execve(): with all capabilities, process 1 of the container
# tries to get hold of it. What has joined finds nothing of the runtime's, and is behind the base filter.
test_attacks_on_a_process_that_joins()
{
	make_volume
	make_attack_bundle wide '"/attacks/bin/exec_catch", "4"'
	start_ready run --bundle bundle-wide nacre-attacks-exec
	nacre_exec grep -E 'Seccomp_filters|CapEff' /proc/self/status
	expect_equal "what joined" $'CapEff:\t000001ffffffffff\nSeccomp_filters:\t1' "$(< joined)"
	nacre_exec /attacks/driver /attacks/bin fd_leak exe_overwrite io_uring vsock
	expect_equal "what it can do" $'fd_leak contained\nexe_overwrite contained\nio_uring ENOSYS\nvsock EPERM' \
		"$(< joined)"
	# the runtime's program, executed as one of the container's, has no purpose there and ends
	nacre_exec /proc/self/exe
	expect_equal "the runtime's own program" '' "$(< joined)"
	# it ends when it has met four while they joined
	nacre_exec /bin/none
	for _ in 1 2 3; do
		is_gone "$PID" || nacre_exec true
	done
	finish 100
	expect_status 200 || show "$OUT"	# CONTAINED of attack.h
}

nacre_exec()	# COMMAND…
{
	"$NACRE" "${E2E_ROOT[@]}" exec nacre-attacks-exec "$@" > joined 2>&1 < /dev/null
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
