#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# iperf3 and fio in a guest of nacre and in one of QEMU, in the same run (tools/bench/beside_qemu.py): nothing may
# stall. How fast they are is shown, and not judged.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_network_for_a_minute]=1800
LIMITS[test_block_volume]=900

# SECONDS WHAT LINES : the lines that each of the two has to have, none of them FAILED or with a second of nothing.
beside_qemu()
{
	local who

	[ "$E2E_PLACE" = emulated ] || skip "makes networks: in an emulated host only"
	need_command iperf3 fio qemu-system-x86_64 mkfs.ext4 ip tc python3
	"$E2E_DIR/../../tools/bench/beside_qemu.py" "$E2E_NACRE" "$1" "$2" > out 2> err || show "$(tail -n 20 err)"
	for who in nacre qemu; do
		expect_equal "figures of $who" "$3" "$(grep -c "^$who .* MB/s" out)"
	done
	expect_equal "what failed" "" "$(grep -E 'FAILED|status [1-9]|worst second 0\.00' out)"
	tell "$(grep -E 'MB/s|busy|once more' out | tr -s ' ' | tr '\n' ';')"
}

test_network_for_a_minute()
{
	full_only "10 minutes"
	beside_qemu 60 net 4
}

test_block_volume()
{
	full_only "4 minutes"
	beside_qemu 20 block 4
}

run_subject "$@"
