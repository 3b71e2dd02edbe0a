#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A guest that was taken over: its first program speaks the control protocol, but lies. The session ends
# with status 125 and one clean line, and nothing is left on the host. What a hostile guest does to the
# devices is tests/hostile's.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

lie()	# LIE REGULAR-EXPRESSION
{
	hostile_tree init-lies
	printf %s "$1" >> hostile/libexec/nacre/nacre-init
	NACRE_BIN=$HOSTILE expect_refused "$2" run "${SMALL[@]}" -- true
	expect_clean
}

# No control character of the guest's reaches the terminal.
expect_clean()
{
	local LC_ALL=C

	case $ERR in
	*[$'\001'-$'\010'$'\013'-$'\037'$'\177'$'\200'-$'\237']*) failed "control characters: ${ERR@Q}" ;;
	esac
}

test_noise()
{
	lie n 'guest|protocol'
}

test_lengths_out_of_bounds()
{
	lie l 'guest|protocol'
	lie s 'guest|protocol'
}

# Success must not be what a guest says before the process has started.
test_an_exit_before_the_start()
{
	lie e 'guest|protocol'
}

test_another_version()
{
	lie v 'version of the control protocol'
}

test_a_text_that_drives_the_terminal()
{
	lie t 'all is well'
}

test_a_text_longer_than_its_message()
{
	lie u 'guest|protocol|text'
}

test_a_connection_that_closes()
{
	lie c 'guest|connection|protocol'
}

run_subject "$@"
