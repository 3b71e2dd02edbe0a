#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The Debian package (make deb): installed, it runs a container; removed, it leaves nothing.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

LIMITS[test_package]=120

test_package()
{
	local package

	[ "$E2E_PLACE" = emulated ] || skip "packages are installed in an emulated host only"
	need_command dpkg
	package=$(echo "$E2E_BUILD"/nacre_*.deb)
	[ -e "$package" ] || skip "there is no package: make deb"
	dpkg --install "$package" > out 2> err
	expect_equal "status of dpkg --install" 0 $? || show "$(< err)"
	NACRE=/usr/bin/nacre
	nacre run --memory 64M --cpus 1 --rootfs /usr/share/nacre/rootfs -- sh -c 'uname -r; exit 3'
	expect_equal "status" 3 "$STATUS" || show "$ERR"
	expect_match "the package's kernel" '^[0-9.]+-nacre$' "$OUT"
	dpkg --remove nacre > out 2> err
	expect_equal "status of dpkg --remove" 0 $? || show "$(< err)"
	expect_equal "what is left" "" "$(find /usr/libexec/nacre /usr/share/nacre /usr/bin/nacre 2> /dev/null)"
}

run_subject "$@"
