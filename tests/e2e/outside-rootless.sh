#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An ordinary user's helpers, on a machine where no guest comes up: what they are confined to while
# the guest boots. 47-rootless.sh has the rest.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

# Runs the rest of its input with a user `joe` (3000) and a /dev/kvm for all, in a mount namespace.
as_joe()
{
	local file

	for file in passwd group subuid subgid; do
		cp "/etc/$file" "$file"
	done
	echo 'joe:x:3000:3000::/nonexistent:/bin/sh' >> passwd
	echo 'joe:x:3000:' >> group
	[ -n "${1-}" ] || echo 'joe:300000:65536' | tee -a subuid >> subgid
	mknod -m 666 kvm c 10 232
	mkdir -p xdg
	chown 3000:3000 xdg
	echo 'boot_timeout = 5' > conf
	chmod 755 . "$E2E_TOP" "$E2E_WORK"
	unshare -m --propagation private bash -c '
		for file in passwd group subuid subgid; do mount --bind $file /etc/$file; done
		mount --bind kvm /dev/kvm
		export XDG_RUNTIME_DIR=$PWD/xdg NACRE_CONFIG=$PWD/conf
		as() { setpriv --reuid 3000 --regid 3000 --clear-groups "$@"; }
		eval "$(cat)"' > out 2> err
	STATUS=$?
	take_output
}

test_helpers_of_a_user()
{
	need_command setpriv newuidmap
	export NACRE ROOTFS
	as_joe << 'END'
as "$NACRE" run --name nacre-e2e-joe --memory 64M --cpus 1 --rootfs "$ROOTFS" -- true 2> said &
look() {
	for pid in $(ps -o pid= -C nacre-vmm,nacre-fsd,nacre-monitor); do
		[ "$(sed 's/ .*//' /proc/$pid/cgroup | wc -l)" -gt 0 ] || continue
		grep -q 3000 /proc/$pid/uid_map || grep -q 36553 /proc/$pid/uid_map || continue
		echo $(cat /proc/$pid/comm) $(sed -n 's/^\(Uid\|CapBnd\|NoNewPrivs\|Seccomp\):\t//p' /proc/$pid/status | cut -f 1)
	done 2> /dev/null | sort
	od -An -tx4 -N48 -v xdg/nacre/nacre-e2e-joe/confined 2> /dev/null | tr -s ' ' | sort -u
}
# The machine ends by itself, sooner or later: looked at until all three are confined; the last look at any counts.
for i in $(seq 100); do
	now=$(look)
	[ -z "$now" ] || seen=$now
	[ "$(echo "$seen" | grep -c ' 1 2$')" -lt 3 ] && kill -0 $! 2> /dev/null || break
	sleep 0.05
done
echo "$seen"
wait
cat said >&2
ls xdg/nacre
END
	expect_match "the broker" 'nacre-fsd 3000 0000000000000000 1 2' "$OUT"
	expect_match "the monitor" 'nacre-monitor 3000 0000000000000000 1 2' "$OUT"
	expect_match "the VMM" 'nacre-vmm 365535 0000000000000000 1 2' "$OUT"
	expect_match "Landlock's record" '464e4f43 0000000[1-9] 0000000d' "$OUT"
	expect_equal "what is left of the state" "" "$(ls xdg/nacre)"
	# which of the two depends on the processor that is emulated
	expect_match "the end" 'did not start within 5 s|KVM could not run the guest' "$ERR"
}

test_a_user_without_subordinate_ids()
{
	need_command setpriv newuidmap
	export NACRE ROOTFS
	as_joe none << 'END'
as "$NACRE" run --memory 64M --cpus 1 --rootfs "$ROOTFS" -- true
END
	expect_status 125
	expect_one_line 'cannot map the container.s ids: .*65536 subordinate ids in /etc/subuid'
	expect_equal "what is left of the state" "" "$(ls xdg/nacre)"
}

run_subject "$@"
