#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Many files through the shared file system.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_5000_files_unpacked_in_the_guest]=900
LIMITS[test_5000_files_of_the_host_seen_in_the_guest]=240

# Runs in the guest and on the host: what find and sha256sum say, as one sum, with the number of files.
SUMS='cd "$1" && find . -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum && find . -type f | wc -l &&
	find . -exec stat -c "%n %a %u:%g %s %Y %F" {} + | sort | sha256sum'

test_5000_files_unpacked_in_the_guest()
{
	mkdir tree
	INPUT=$E2E_BUILD/e2e/tree.tar run --volume "$PWD/tree:/tree" -- \
		sh -c "mkdir /tree/t && tar -C /tree/t -xf - && set -- /tree/t && $SUMS"
	expect_status 0
	expect_silent
	expect_match "5000 files" $'\n5000\n' "$OUT"
	expect_equal "names, modes, times and content on the host" "$OUT" "$(export LC_ALL=C; bash -c "$SUMS" - tree/t)"
	mkdir plain
	tar -C plain -xf "$E2E_BUILD/e2e/tree.tar"
	expect_equal "what tar unpacks on the host" "" "$(diff -r tree/t plain 2>&1 | head)"
}

test_5000_files_of_the_host_seen_in_the_guest()
{
	full_only "a minute"
	mkdir tree
	tar -C tree -xf "$E2E_BUILD/e2e/tree.tar"
	run --volume "$PWD/tree:/tree:ro" -- sh -c "set -- /tree && $SUMS"
	expect_success "$(export LC_ALL=C; bash -c "$SUMS" - tree)"
	run --volume "$PWD/tree:/tree" -- rm -r /tree/dir\ 00 /tree/dir\ 01
	expect_success ""
	expect_equal "what is left after rm -r in the guest" 4900 "$(find tree -type f | wc -l)"
}

test_writers_on_both_sides_of_a_volume()
{
	mkdir shared
	start_ready run "${SMALL[@]}" --volume "$PWD/shared:/v" -- sh -c '
		echo guest > /v/from-guest; echo ready
		until [ -e /v/from-host ]; do sleep 0.2; done
		cat /v/from-host
		until [ "$(cat /v/changed)" = new ]; do sleep 0.2; done
		until [ ! -e /v/from-host ]; do sleep 0.2; done'
	echo old > shared/changed
	expect_equal "the guest's file, at once" guest "$(cat shared/from-guest)"
	echo host > shared/from-host
	wait_until 10 has_line out host || failed "the guest does not see the host's file"
	echo new > shared/changed
	rm shared/from-host
	finish
	expect_success $'ready\nhost'
}

run_subject "$@"
