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

# Below a root of its own with an empty database: reading that of a host takes minutes in an emulated one.
in_dpkg()	# ARGUMENT…
{
	dpkg --root="$PWD/root" --force-depends --no-triggers "$@" > out 2> err
	expect_equal "status of dpkg $1" 0 $? || show "$(< err)"
}

test_package()
{
	local package

	need_command dpkg
	package=$(echo "$E2E_BUILD"/nacre_*.deb)
	[ -e "$package" ] || skip "there is no package: make deb, or --full"
	mkdir -p root/var/lib/dpkg/{info,updates,triggers}
	: > root/var/lib/dpkg/status
	in_dpkg --install "$package"
	NACRE=$PWD/root/usr/bin/nacre
	nacre run --memory 64M --cpus 1 --rootfs root/usr/share/nacre/rootfs -- sh -c 'uname -r; exit 3'
	expect_equal "status" 3 "$STATUS" || show "$ERR"
	expect_match "the package's kernel" '^[0-9.]+-nacre$' "$OUT"
	in_dpkg --remove nacre
	expect_equal "what is left" var "$(ls root)"
}

run_subject "$@"
