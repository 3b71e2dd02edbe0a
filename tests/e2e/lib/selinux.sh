# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# SELinux in an emulated host that was started with it: labels of what the tests use, denials.

# Labels what is there, for a policy with selinux/nacre.cil in it, and turns enforcing on.
label_all_and_enforce()
{
	local program

	setenforce 0
	chcon -R -h -t usr_t "$E2E_NACRE/share"
	chcon -t bin_t "$E2E_NACRE"/{bin/nacre,libexec/nacre/nacre-init}
	for program in vmm fsd monitor; do
		chcon -t "nacre_${program}_exec_t" "$E2E_NACRE/libexec/nacre/nacre-$program"
	done
	chcon -R -h -t nacre_file_t .
	# as udev would
	chcon -t null_device_t /dev/null
	chcon -t kvm_device_t /dev/kvm
	setenforce 1
	dmesg --clear
}

# A tree with the type of containers' files.
make_tree()	# DIRECTORY LEVEL
{
	cp -dRp "$ROOTFS" "$1" # without the labels
	chcon -R -h -t nacre_file_t -l "$2" "$1"
}

# Denials since the last call.
denials()
{
	dmesg | grep -oE 'avc: +denied .*' | sed -E 's/ (pid|ino)=[0-9]+//g' | sort -u
	dmesg --clear
}

# For expect_denial.
note_denials()
{
	DENIALS=$(denials)
}

expect_denial()	# PERMISSION SOURCE TARGET CLASS
{
	expect_match "a denial" "denied +\\{ $1 \\} .*scontext=[a-z_:]+:$2 tcontext=[a-z_:]+:$3 tclass=$4" \
		"$DENIALS"
}

label_of()	# PROGRAM
{
	tr -d '\0' < "/proc/$(process_named "$1")/attr/current"
}

# Of the container that runs with the categories c1,c2: the companions have them, and `nacre layers` says so.
expect_labels()	# CONTAINER
{
	local domain

	for domain in vmm fsd monitor; do
		expect_equal "label of nacre-$domain" "system_u:system_r:nacre_${domain}_t:s0:c1,c2" \
			"$(label_of "nacre-$domain")"
	done
	nacre layers "$1"
	expect_status 0
	expect_match "row 8" '^ 8 SELinux +on +host: system_u:system_r:nacre_vmm_t:s0:c1,c2, and types' \
		"$(grep '^ 8' <<< "$OUT")"
}

# Without a label in config.json.
expect_pair_of_its_own()
{
	run --layers -- echo hello
	expect_out hello
	expect_match "a pair of its own" '^ 8 SELinux +on +host: [a-z_:]+:nacre_vmm_t:s0:c[0-9]+,c[0-9]+, ' \
		"$(grep '^ 8' <<< "$ERR")"
	expect_equal "nothing was denied" "" "$(denials)"
}

# nacre makes a template by itself, and containers of whatever pair are copies of it.
expect_copies()
{
	local template

	printf 'templates = %s\n' "$PWD/templates" > conf
	NACRE_CONFIG=$PWD/conf run -- true
	for _ in 1 2; do
		NACRE_CONFIG=$PWD/conf run --timing timing -- true
		expect_status 0
		grep -q '"before_init_connected": 0}' timing || failed "expected a copy of a template"
	done
	template=$(echo templates/*.template)
	expect_match "label of the template" '^[a-z_]+:object_r:nacre_template_t:s0$' "$(stat -c %C "$template")"
	expect_equal "nothing was denied" "" "$(denials)"
}

# Runs a program in a domain of container 1, with the file as its input: what the VMM does with a file
# that somebody has opened for it. What the domain may not have, the kernel replaces by /dev/null.
in_domain()	# DOMAIN FILE [ARGUMENT…]
{
	runcon "system_u:system_r:nacre_$1_t:s0:c1,c2" "./busybox-$1" head -n 1 "${@:3}" < "$2" 2>&1
	note_denials
}

# Of a program in the domain, with two files of equal types and one of another: it may use that of its own
# categories, and has nothing of the others.
expect_apart()	# DOMAIN OWN-FILE FILE-OF-ANOTHER FILE-OF-ANOTHER-TYPE
{
	local domain=$1

	cp /bin/busybox "busybox-$domain"
	chcon -t "nacre_${domain}_exec_t" "busybox-$domain"
	in_domain "$domain" "$2" > seen
	expect_equal "$domain: its own file" one "$(< seen)"
	in_domain "$domain" "$3" > seen
	expect_equal "$domain: a file of another container, equal types" "" "$(< seen)"
	expect_denial '.*read.*' "nacre_${domain}_t:s0:c1,c2" nacre_file_t:s0:c3,c4 file
	in_domain "$domain" "$4" > seen
	expect_equal "$domain: a file of another type" "" "$(< seen)"
	expect_denial '.*read.*' "nacre_${domain}_t:s0:c1,c2" shadow_t:s0 file
}

# Trees of two containers, ./c1 and ./c2, with the categories c1,c2 and c3,c4, and ./other, of another type.
make_two_trees()
{
	make_tree c1 s0:c1,c2
	make_tree c2 s0:c3,c4
	echo one > c1/file
	echo two > c2/file
	chcon -t nacre_file_t -l s0:c1,c2 c1/file
	chcon -t nacre_file_t -l s0:c3,c4 c2/file
	echo other > other
	chcon -t shadow_t other
}
