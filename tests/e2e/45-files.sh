#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Files as a container needs them, and images that want to reach out of themselves.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

# Mount points are made on the host, by root, in a tree that the image's author arranged (CVE-2026-1386,
# CVE-2025-24965).
test_bug04_bug13_links_of_an_image_make_nothing_outside_it()
{
	local before how

	mkdir image outside volume
	cp -a "$ROOTFS/." image/
	: > file
	rm -rf image/mnt image/srv
	ln -s "$PWD/outside" image/mnt
	ln -s /../../../../../../../.."$PWD/outside/new" image/srv
	ln -s /proc/self/cwd image/magic
	ln -sf "$PWD/outside/hosts" image/etc/hosts
	before=$(find outside -printf '%p %m %T@\n')
	for how in '"readonly": true' '"readonly": false'; do
		make_bundle true
		edit "$ROOTFS" "$PWD/image"
		edit '"readonly": true' "$how"
		add_mount "{\"destination\": \"/mnt/a/b\", \"type\": \"bind\", \"source\": \"$PWD/volume\", \"options\": [\"bind\"]}"
		add_mount "{\"destination\": \"/srv\", \"type\": \"bind\", \"source\": \"$PWD/volume\", \"options\": [\"bind\"]}"
		add_mount "{\"destination\": \"/magic/outside/m\", \"type\": \"bind\", \"source\": \"$PWD/volume\", \"options\": [\"bind\"]}"
		add_mount "{\"destination\": \"/etc/hosts\", \"type\": \"bind\", \"source\": \"$PWD/file\", \"options\": [\"bind\"]}"
		nacre run --bundle bundle nacre-e2e-links
		# a reason or a run: only what becomes of the host counts
		[ "$STATUS" = 0 ] || expect_one_line .
		expect_equal "$how: what lies outside of the image" "$before" "$(find outside -printf '%p %m %T@\n')"
		expect_equal "$how: the volume" "" "$(ls -A volume)"
	done
}

test_bug14_the_file_server_is_confined_without_being_asked()
{
	local pid line seen=''

	mkdir v
	start_ready run "${SMALL[@]}" --volume "$PWD/v:/v" -- sh -c 'echo ready; sleep 2'
	pid=$(process_named nacre-fsd)
	while IFS= read -r line; do
		case $line in
		Cap* | NoNewPrivs* | Seccomp:*) seen+="${line//[[:space:]]/ }"$'\n' ;;
		esac
	done < "/proc/$pid/status"
	# CHOWN DAC_OVERRIDE FOWNER FSETID SETGID SETUID SETFCAP, in a user namespace
	expect_equal "capabilities and seccomp of nacre-fsd" "CapInh: 0000000000000000
CapPrm: 00000000800000db
CapEff: 00000000800000db
CapBnd: 0000000000000000
CapAmb: 0000000000000000
NoNewPrivs: 1
Seccomp: 2" "${seen%$'\n'}"
	for line in user mnt; do
		[ "$(readlink "/proc/$pid/ns/$line")" != "$(readlink "/proc/self/ns/$line")" ] ||
			failed "nacre-fsd is in the host's $line namespace"
	done
	expect_match "its user namespace" '^ *2147483648 +0 +65536' "$(< "/proc/$pid/uid_map")"
	finish
	expect_success ready
}

run_subject "$@"
