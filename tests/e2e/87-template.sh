#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Templates: containers begin as copies of a machine that has booted (docs/templates.md).

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/network.sh
. "$E2E_DIR/lib/network.sh"

LIMITS[test_template]=240
LIMITS[test_template_that_does_not_fit]=240

# Templates of this test's own; by default those that it asks for.
use_templates()	# [on: also those that nacre makes by itself]
{
	printf 'templates = %s\nmake_templates = %s\n' "$PWD/templates" "${1-off}" > conf
	export NACRE_CONFIG=$PWD/conf
}

# Whether the last run with --timing ./timing booted: a copy has left the guest for nothing before it calls.
has_booted()
{
	! grep -q '"before_init_connected": 0}' timing
}

expect_copy()	# WHAT
{
	if has_booted; then
		failed "$1 did not begin as a copy"
	fi
}

expect_boot()	# WHAT
{
	has_booted || failed "$1 began as a copy"
}

test_template()
{
	local first begun

	use_templates
	run --timing timing -- true
	expect_status 0
	expect_boot "a container before there was a template"
	nacre template --memory 64M --cpus 1
	expect_status 0
	expect_match "what template prints" "^$PWD/templates/128M-1-[0-9a-f]{8}.template
$PWD/templates/128M-1-net-[0-9a-f]{8}.template\$" "$OUT"
	expect_silent
	expect_equal "mode of the template" 600 "$(stat -c %a "$(head -n 1 <<< "$OUT")")"
	expect_equal "what is in the directory" 2 "$(find templates -type f | wc -l)"
	expect_equal "what template left behind" "" "$(left_behind)"

	# the container is as any other: files, root, exit status, layers
	run --timing timing --layers -- sh -c 'head -c 16 /dev/urandom | od -An -tx1; date +%s; exit 7'
	expect_status 7
	expect_copy "a container"
	expect_match "layers" 'seccomp' "$ERR"
	first=$(head -n 1 out)
	expect_between "the guest's clock" -2 2 $(($(date +%s) - $(tail -n 1 out)))
	run --timing timing -- sh -c 'head -c 16 /dev/urandom | od -An -tx1; cat /proc/sys/kernel/random/boot_id'
	expect_copy "another container"
	[ "$first" != "$(head -n 1 out)" ] || failed "two copies have the same random numbers"

	# its timers go off in time, neither at once nor by the age of the template later
	begun=$(now_ms)
	run --timing timing -- sh -c 'sleep 2; cat /proc/uptime'
	expect_copy "a container that sleeps"
	expect_between "ms that 2 s took" 2000 $((2000 + 4000 * E2E_SLOW)) $(($(now_ms) - begun))

	mkdir volume
	echo content > volume/file
	run --timing timing --volume "$PWD/volume:/v" -- sh -c 'cat /v/file; echo more >> /v/file'
	expect_success content
	expect_copy "a container with a volume"
	expect_equal "the volume" $'content\nmore' "$(< volume/file)"

	# through the life that an engine gives
	make_bundle sh -c 'trap "echo term; exit 3" TERM; echo ready; while :; do sleep 0.1; done'
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, "cpu": {"quota": 100000, "period": 100000}, '
	start_ready run --timing timing --bundle bundle nacre-e2e-copy
	nacre exec nacre-e2e-copy echo joined
	expect_success joined
	nacre pause nacre-e2e-copy
	nacre resume nacre-e2e-copy
	nacre kill nacre-e2e-copy TERM
	finish
	expect_status 3
	expect_copy "a container of an engine's"
}

test_template_that_does_not_fit()
{
	local state template

	use_templates
	nacre template --memory 64M --cpus 1
	expect_status 0
	template=$(head -n 1 <<< "$OUT")
	# another size, processors, a console, another kernel file, though equal in content
	nacre run --memory 80M --cpus 1 --rootfs "$ROOTFS" --timing timing -- true
	expect_success ""
	expect_boot "a container of another size"
	run --console-log console --timing timing -- true
	expect_status 0
	expect_boot "a container with a console"
	cp "$E2E_NACRE/share/nacre/vmlinux" kernel
	run --kernel "$PWD/kernel" --timing timing -- true
	expect_success ""
	expect_boot "a container with a kernel of its own"

	# one that others may write to, a link, one that is cut
	chmod 666 "$template"
	run --timing timing -- true
	expect_success ""
	expect_boot "a container beside a template that everybody may write to"
	chmod 600 "$template"
	mv "$template" elsewhere
	ln -s "$PWD/elsewhere" "$template"
	run --timing timing -- true
	expect_success ""
	expect_boot "a container beside a link"
	rm "$template"
	head -c 1000000 elsewhere > "$template"
	chmod 600 "$template"
	run --timing timing -- true
	expect_success ""
	expect_boot "a container beside a template that was cut"
	# what stands in it of memory and processors is not believed
	for state in 4096 4104 4112 4120 4124 4128; do
		cp elsewhere "$template"
		printf '\377\377\377\377' | dd of="$template" bs=1 seek="$state" conv=notrunc 2> /dev/null
		chmod 600 "$template"
		run --timing timing -- true
		expect_success ""
		expect_boot "a container beside a template whose byte $state was changed"
	done

	nacre template --remove
	expect_success ""
	expect_equal "what --remove left" 0 "$(find templates -type f | wc -l)"
}

expect_no_template()	# REGULAR-EXPRESSION ARGUMENT…
{
	nacre template "${@:2}"
	expect_equal "status of template ${*:2}" 1 "$STATUS"
	expect_one_line "$1"
	expect_equal "what template ${*:2} left behind" "" "$(left_behind)"
}

test_template_refusals()
{
	use_templates
	expect_no_template '^nacre: nonsense: expected nothing but options' nonsense
	expect_no_template '^nacre: --cpus 33: expected ' --cpus 33
	expect_no_template '^nacre: --memory 1K: expected ' --memory 1K
	expect_no_template 'no-such-kernel: ' --kernel "$PWD/no-such-kernel"
	echo "templates = relative" > conf
	expect_no_template 'templates = relative: expected an absolute path'
	: > file
	echo "templates = $PWD/file/below" > conf
	expect_no_template 'file/below: cannot make: Not a directory' --memory 64M --cpus 1
}

LIMITS[test_template_made_by_itself]=300
test_template_made_by_itself()
{
	local template

	use_templates on
	run --timing timing -- true
	expect_success ""
	expect_silent
	expect_boot "the first container of its size"
	expect_equal "templates beside the first" 0 "$(find templates -name '*.template' | wc -l)"
	run --timing timing -- sh -c 'exit 3'
	expect_status 3
	expect_silent
	expect_copy "the second container"
	expect_equal "templates beside the second" 1 "$(find templates -name '*.template*' | wc -l)"
	template=$(find templates -name '128M-1-*.template')
	expect_equal "mode of the template" 600 "$(stat -c %a "$template")"
	expect_equal "what it left behind" "" "$(left_behind)"
	run --timing timing -- true
	expect_success ""
	expect_copy "the third container"
	# a caller that ignores SIGCHLD has the maker's child to wait for, too
	nacre run --memory 88M --cpus 1 --rootfs "$ROOTFS" -- true
	(
		trap '' CHLD
		timeout 60 "$NACRE" "${E2E_ROOT[@]}" run --memory 88M --cpus 1 --rootfs "$ROOTFS" -- true
	)
	expect_equal "status with SIGCHLD ignored" 0 $?
	expect_equal "templates made with SIGCHLD ignored" 1 "$(find templates -name '152M-*.template' | wc -l)"

	# of another size; with create, where an interface may come; and where the caller says no
	nacre run --memory 80M --cpus 1 --rootfs "$ROOTFS" --timing timing -- true
	expect_success ""
	expect_boot "the first container of another size"
	make_bundle true
	edit '"resources": {' '"resources": {"memory": {"limit": 83886080}, "cpu": {"quota": 100000, "period": 100000}, '
	nacre create --bundle bundle nacre-e2e-made
	expect_success ""
	nacre delete --force nacre-e2e-made
	use_templates off
	nacre create --bundle bundle nacre-e2e-made
	expect_success ""
	nacre delete --force nacre-e2e-made
	expect_equal "templates beside one who wants none" 2 "$(find templates -name '*.template' | wc -l)"
	use_templates on
	nacre create --bundle bundle nacre-e2e-made
	expect_success ""
	expect_equal "templates beside a created container" 3 "$(find templates -name '*.template' | wc -l)"
	expect_match "whose template it is" -net "$(find templates -name '*.template' | grep -v "/1[25][28]M-")"
	nacre start nacre-e2e-made
	expect_success ""
	nacre delete --force nacre-e2e-made
	expect_equal "what create left behind" "" "$(left_behind)"

	# one that no longer fits this machine is made anew: it boots, and the next one is a copy. But what was made since
	# the host's start is of this host, whatever one processor of it says.
	printf '\377\377\377\377' | dd of="$template" bs=1 seek=4112 conv=notrunc 2> /dev/null
	run --timing timing -- true
	expect_success ""
	expect_boot "a container beside a template of another processor"
	[ -e "$template" ] || failed "a template of this host's was removed"
	touch -m -d 2020-01-01 "$template"
	run --timing timing -- true
	expect_success ""
	expect_boot "a container beside a template of another host"
	run --timing timing -- true
	expect_success ""
	expect_copy "the next"

	# one whose copies do not come up costs one container; before the next it is made again
	dd if=/dev/zero of="$template" bs=1M seek=4 count=60 conv=notrunc 2> /dev/null
	echo "boot_timeout = 5" >> conf
	run --timing timing -- true
	expect_status 125
	expect_match "what is said of it" 'copy of a template, which is removed' "$ERR"
	[ ! -e "$template" ] || failed "a template without memory is still there"
	use_templates on
	run --timing timing -- true
	expect_success ""
	expect_copy "a container after that"
	# what is wrong with a container is no fault of the template's
	run --timing timing -- /no/such/program
	expect_status 127
	expect_one_line '/no/such/program'
	[ -e "$template" ] || failed "a container that cannot start has removed the template"
	expect_equal "what all that left behind" "" "$(left_behind)"
}

# Where nothing can be kept, machines boot, and nothing is said.
test_no_place_for_templates()
{
	local place

	for place in /proc/no-such "$PWD/file/below"; do
		: > file
		printf 'templates = %s\n' "$place" > conf
		export NACRE_CONFIG=$PWD/conf
		for _ in 1 2; do
			run --timing timing -- true
			expect_success ""
			expect_silent
			expect_boot "a container without a place for templates"
		done
	done
}

# A namespace with an interface, and one where it comes after create: the machine has the same device for both.
LIMITS[test_template_with_a_network]=300
test_template_with_a_network()
{
	local vmm

	use_templates
	NETWORKS=$PWD
	new_bridge
	serve_file world 10.99.0.1 "hello from the bridge"
	nacre template --memory 64M --cpus 2
	expect_status 0
	make_network_bundle one sh -c '
		cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu
		ip -o addr show dev eth0 | grep -c "10.99.0.2/24"
		timeout 10 wget -qO - http://10.99.0.1:8080/file
		wget -qO - http://10.99.0.1:8080/file | wc -l; ls /sys/class/net | wc -w'
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, "cpu": {"quota": 200000, "period": 100000}, '
	nacre run --timing timing --bundle bundle nacre-e2e-one
	expect_success "02:99:00:00:00:02
1400
1
hello from the bridge
1
2"
	expect_copy "a container with an interface"

	rm -r bundle
	make_bundle sh -c 'ip -o addr show eth0 | grep -c "10.99.0.7/24"; cat /sys/class/net/eth0/address
		timeout 10 wget -qO - http://10.99.0.1:8080/file; sleep 600'
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, "cpu": {"quota": 200000, "period": 100000}, '
	"$NACRE_BIN" "${E2E_ROOT[@]}" create --bundle bundle --pid-file "$PWD/pid" nacre-e2e-late > out 2> err
	expect_equal "create" 0 $?
	vmm=$(pgrep -n -f 'nacre-vmm .*--template')
	expect_match "the VMM's memory" '128M-2-net-[0-9a-f]{8}.template' "$(grep -o '[^/]*template$' "/proc/$vmm/maps")"
	plug_late "$(< pid)"
	"$NACRE_BIN" "${E2E_ROOT[@]}" start nacre-e2e-late 2> err.start
	expect_equal "start" 0 $?
	wait_until $((5 * E2E_SLOW)) grep -q bridge out
	expect_equal "what the container saw" "1
02:99:00:00:00:07
hello from the bridge" "$(< out)"
	"$NACRE_BIN" "${E2E_ROOT[@]}" delete --force nacre-e2e-late

	# a hook may attach more than a template has
	rm -r bundle
	make_bundle cat /sys/class/net/eth0/address /sys/class/net/eth1/address
	edit '"resources": {' '"resources": {"memory": {"limit": 67108864}, "cpu": {"quota": 200000, "period": 100000}, '
	add_plugging_hook prestart
	nacre run --timing timing --bundle bundle nacre-e2e-hooked
	expect_success "02:99:00:00:00:07
02:97:00:00:00:07"
	expect_boot "a container with hooks"
}

test_template_of_two_processors()
{
	use_templates
	nacre template --memory 64M --cpus 2
	expect_status 0
	nacre run --memory 64M --cpus 2 --rootfs "$ROOTFS" --timing timing -- \
		sh -c 'grep -c ^processor /proc/cpuinfo; for i in 1 2 3 4; do (i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); done; echo done) & done; wait'
	expect_success $'2\ndone\ndone\ndone\ndone'
	expect_copy "a container of two processors"
}

run_subject "$@"
