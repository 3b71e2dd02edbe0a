#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Block volumes: a raw image as a device node.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

test_read_write_and_read_only()
{
	truncate -s 8M image
	truncate -s 1M second
	printf 'from the host' | dd of=second conv=notrunc bs=512 seek=3 2> /dev/null
	run --block image:/dev/disk --block second:/mnt/other:ro -- sh -c '
		ls -l /dev/disk /mnt/other | cut -c1-10
		blockdev --getsize64 /dev/disk; blockdev --getsize64 /mnt/other
		dd if=/mnt/other bs=512 skip=3 count=1 2> /dev/null | head -c 13; echo
		echo x | dd of=/mnt/other bs=512 count=1 2> /dev/null || echo refused
		printf "from the guest" | dd of=/dev/disk bs=4096 seek=100 conv=fsync 2> /dev/null && echo written
		dd if=/dev/zero of=/dev/disk bs=1M count=9 2>&1 | grep -o "No space left on device"'
	expect_status 0
	expect_out "brw-------
brw-------
8388608
1048576
from the host
refused
written
No space left on device"
	expect_equal "the image keeps its size" 8388608 "$(stat -c %s image)"
	expect_equal "the second image is unchanged" "from the host" \
		"$(dd if=second bs=512 skip=3 count=1 2> /dev/null | head -c 13)"
}

test_annotation_needs_permission()
{
	truncate -s 1M image
	make_bundle sh -c '[ -b /dev/disk ] && echo there || echo not there'
	edit '"ociVersion"' "\"annotations\": {\"nacre.block\": \"$PWD/image:/dev/disk\"}, \"ociVersion\""
	nacre run --bundle bundle nacre-e2e-annotated
	expect_status 0
	expect_out "not there"
	expect_one_line 'annotations: nacre.block: ignored: not in allow_annotations'
	echo 'allow_annotations = nacre.block' > conf
	NACRE_CONFIG=$PWD/conf nacre run --bundle bundle nacre-e2e-annotated
	expect_success there
	edit '"annotations": {' '"annotations": {"nacre.cpus": "2", '
	edit 'echo not there' 'echo not there; nproc'
	echo 'allow_annotations = nacre.block nacre.cpus' > conf
	NACRE_CONFIG=$PWD/conf nacre run --bundle bundle nacre-e2e-annotated
	expect_success $'there\n2'
}

# A header of qcow2 that names a file of the host as its backing file (GHSA-jmr4-g2hv-mjj6).
test_bug08_the_format_of_an_image_is_never_guessed()
{
	truncate -s 1M image
	printf 'QFI\373\0\0\0\003\0\0\0\0\0\0\0\150\0\0\0\013' | dd of=image conv=notrunc 2> /dev/null
	printf '/etc/passwd' | dd of=image conv=notrunc bs=1 seek=104 2> /dev/null
	run --block image:/dev/disk -- sh -c 'blockdev --getsize64 /dev/disk; head -c 3 /dev/disk; echo
		head -c 115 /dev/disk | tail -c 11'
	expect_success $'1048576\nQFI\n/etc/passwd'
}

run_subject "$@"
