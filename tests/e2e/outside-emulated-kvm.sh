#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# On the machine around an emulated host: a /dev/kvm that software emulates must be told in one line.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_an_emulated_dev_kvm_is_told_in_one_line]=90

test_an_emulated_dev_kvm_is_told_in_one_line()
{
	local begun

	begun=$(now_ms)
	expect_refused 'guest kernel did not start within [0-9]+ s|KVM could not run the guest' run "${SMALL[@]}" -- true
	echo "after $(($(now_ms) - begun)) ms: $ERR"
	expect_between "milliseconds" 0 60000 $(($(now_ms) - begun))
}

run_subject "$@"
