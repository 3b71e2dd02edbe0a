#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# nacre run --bundle: what config.json says is what the process finds.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"
# shellcheck source-path=SCRIPTDIR source=lib/runtimes.sh
. "$E2E_DIR/lib/runtimes.sh"

LIMITS[test_the_same_answers_as_crun]=120

# What a container without mappings sees of its ids: in the guest they lie from 2^31 on.
ID_MAP='0 2147483648 65536'
is_nacre || ID_MAP='0 0 4294967295'

test_the_default_configuration_of_runc()
{
	make_bundle sh -c '
		echo hello; id -u; id -g; pwd; hostname; echo "$PATH $TERM"; grep Cap /proc/self/status
		ulimit -Sn; ulimit -Hn; grep NoNewPrivs /proc/self/status; echo $$; exit 6'
	nacre run --bundle bundle nacre-e2e-default
	expect_status 6
	expect_silent
	expect_out "hello
0
0
/
runc
/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin xterm
CapInh:	0000000000000000
CapPrm:	0000000020000420
CapEff:	0000000020000420
CapBnd:	0000000020000420
CapAmb:	0000000000000000
1024
1024
NoNewPrivs:	1
1"
}

test_the_root_is_read_only_as_the_default_says()
{
	make_bundle sh -c 'touch /file || touch /etc/file || touch /dev/shm/file && rm /dev/shm/file && echo ok'
	nacre run --bundle bundle nacre-e2e-readonly
	expect_status 0
	expect_out ok
	expect_equal "refusals" 2 "$(grep -c 'Read-only file system' err)"
}

# Made on the host, as the guest cannot: places of mounts, devices and links, the working directory.
test_what_a_read_only_image_lacks()
{
	make_bundle sh -c 'pwd; touch x || echo hidden > /dev/null; readlink /dev/fd; readlink /dev/ptmx; head -c 2 /dev/zero | wc -c
		stat -c "%a %n" /t /dev/scratch; tty < /dev/console'
	edit '"cwd": "/"' '"cwd": "/new/place"'
	# the image's own /dev
	edit '"destination": "/dev",' '"destination": "/dev/scratch",'
	add_mount '{"destination": "/t", "type": "tmpfs", "source": "tmpfs"}'
	cp -a "$ROOTFS" rootfs
	rm -rf rootfs/dev/* rootfs/t
	edit "$ROOTFS" "$PWD/rootfs"
	nacre run --bundle bundle nacre-e2e-lacks
	expect_out $'/new/place\n/proc/self/fd\npts/ptmx\n2\n1777 /t\n755 /dev/scratch'
	expect_equal "refusals as of a read-only file system" 1 "$(grep -c 'Read-only file system' err)"
	of_nacre "crun sets the sticky bit" expect_equal "modes on the host" '755 755 755' "$(stat -c %a rootfs/t rootfs/dev/scratch rootfs/new/place | xargs)"
}

test_masked_and_read_only_paths()
{
	make_bundle sh -c '
		for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /etc/passwd; do
			[ ! -e $f ] || [ "$(wc -c < $f)" = 0 ] || echo "$f has content"
		done
		for d in /sys/firmware /proc/acpi /proc/scsi /proc/asound /var; do
			[ ! -e $d ] || [ -z "$(ls -A $d)" ] || echo "$d has content"
		done
		for f in /proc/sys/kernel/shmmax /proc/sys/vm/swappiness /proc/irq/default_smp_affinity /root/x; do
			echo 1 > $f
		done
		# our guest kernel has none
		echo b 2> /dev/null > /proc/sysrq-trigger && echo wrote
		umount /proc/kcore /etc/passwd && echo umounted
		mount -o remount,rw /proc/sys && echo remounted
		touch /etc/x && rm /etc/x && echo ok'
	edit '"readonly": true' '"readonly": false'
	edit '"maskedPaths": [' '"maskedPaths": ["/etc/passwd", "/var", "/no/such/path", '
	edit '"readonlyPaths": [' '"readonlyPaths": ["/root", "/no/such/path", '
	nacre run --bundle bundle nacre-e2e-masked
	expect_status 0
	expect_out ok
	expect_equal "refusals as of a read-only file system" 4 "$(grep -c 'Read-only file system' err)"
}

test_user_groups_umask_cwd_env()
{
	make_bundle sh -c 'hostname; id -u; id -g; id -G; umask; pwd; env | sort; grep Cap[EPA] /proc/self/status'
	# a new UTS namespace is a copy of the host's
	edit '"hostname": "runc",' ''
	edit '"user": {"uid": 0, "gid": 0}' '"user": {"uid": 1000, "gid": 1001, "umask": 63, "additionalGids": [5, 65534, 7]}'
	edit '"cwd": "/"' '"cwd": "/usr/lib"'
	edit '"TERM=xterm"' '"A=one", "B=two words", "EMPTY="'
	nacre run --bundle bundle nacre-e2e-user
	expect_status 0
	expect_silent
	expect_match "what the process is" "$(printf '%s' "^$(uname -n)
1000
1001
1001 5 7 65534
0077
/usr/lib
A=one
B=two words
EMPTY=
")" "${OUT/1001 5 65534 7/1001 5 7 65534}"
	# ambient ones need to be inheritable, too, which the default does not say
	expect_match "capabilities" $'CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\nCapAmb:\t0000000000000000$' "$OUT"
}

test_capabilities_of_each_set()
{
	make_bundle grep Cap /proc/self/status
	edit '"bounding": ["CAP_AUDIT_WRITE", ' '"bounding": ["CAP_SYS_CHROOT", "CAP_AUDIT_WRITE", '
	edit '"ambient": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]' '"inheritable": ["CAP_KILL"], "ambient": []'
	edit '"user": {"uid": 0, "gid": 0}' '"user": {"uid": 7, "gid": 7}'
	nacre run --bundle bundle nacre-e2e-caps
	expect_success "CapInh:	0000000000000020
CapPrm:	0000000000000000
CapEff:	0000000000000000
CapBnd:	0000000020040420
CapAmb:	0000000000000000"
}

test_rlimits()
{
	make_bundle sh -c 'ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hf; ulimit -Su; ulimit -Ss'
	edit '"rlimits": [' '"rlimits": [{"type": "RLIMIT_CORE", "hard": 0, "soft": 0}, {"type": "RLIMIT_FSIZE", "hard": 1048576, "soft": 524288}, {"type": "RLIMIT_NPROC", "hard": 200, "soft": 100}, {"type": "RLIMIT_STACK", "hard": 18446744073709551615, "soft": 4194304}, '
	nacre run --bundle bundle nacre-e2e-rlimits
	expect_success $'1024\n1024\n0\n2048\n100\n4096'
	is_nacre || return 0 # with another the host's limits stand
	# as high as systemd lets a host's processes go
	make_bundle sh -c 'ulimit -Sn; ulimit -Hn; cat /proc/sys/vm/max_map_count'
	edit '"hard": 1024' '"hard": 1073741816'
	nacre run --bundle bundle nacre-e2e-files
	expect_success $'1024\n1073741816\n1048576'
}

test_no_new_privileges()
{
	cp "$E2E_BUILD/e2e/guest/euid" setuid
	chown "$(host_owner 0 0)" setuid
	chmod 4755 setuid
	for setting in true false; do
		make_bundle sh -c '/setuid; exit $?'
		edit '"noNewPrivileges": true' "\"noNewPrivileges\": $setting"
		edit '"user": {"uid": 0, "gid": 0}' '"user": {"uid": 1000, "gid": 1000}'
		edit '"readonly": true' '"readonly": false'
		add_mount "{\"destination\": \"/setuid\", \"type\": \"bind\", \"source\": \"$PWD/setuid\", \"options\": [\"bind\"]}"
		nacre run --bundle bundle nacre-e2e-nnp
		expect_status 0
		case $setting in
		true) expect_out 1000 ;;
		false) expect_out 0 ;;
		esac
	done
	rm -f "$ROOTFS/setuid"
}

test_mounts()
{
	local below=''

	mkdir -p source/below
	echo file > source/file
	mount -t tmpfs below source/below
	echo below > source/below/file
	make_bundle sh -c '
		grep -E " (/t|/b|/rb|/ro|/single|/order/a|/order/a/b) " /proc/self/mountinfo | wc -l
		stat -c "%a %u:%g" /t; df -k /t | tail -n 1 | tr -s " " | cut -d " " -f 2
		touch /t/x; cp /bin/busybox /t/; /t/busybox true 2>&1 | sed "s/.*: //"
		ls /b/below; ls /rb/below
		touch /b/made; touch /ro/made /rro/below/x 2>&1 | sed "s/.*: //"; touch /ro/below/made; cat /single
		ls /order/a; ls /order/a/b'
	edit '"readonly": true' '"readonly": false'
	add_mount '{"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["noexec", "mode=1777", "uid=5", "gid=6", "size=4m"]}'
	add_mount "{\"destination\": \"/b\", \"type\": \"bind\", \"source\": \"$PWD/source\", \"options\": [\"bind\"]}"
	add_mount "{\"destination\": \"/rb\", \"type\": \"none\", \"source\": \"$PWD/source\", \"options\": [\"rbind\", \"rprivate\"]}"
	add_mount "{\"destination\": \"/ro\", \"type\": \"bind\", \"source\": \"$PWD/source\", \"options\": [\"rbind\", \"ro\"]}"
	# with what is mounted below
	add_mount "{\"destination\": \"/rro\", \"type\": \"bind\", \"source\": \"$PWD/source\", \"options\": [\"rbind\", \"rro\"]}"
	add_mount "{\"destination\": \"/single\", \"type\": \"bind\", \"source\": \"$PWD/source/file\", \"options\": [\"bind\"]}"
	# a bind below a tmpfs, in their order
	add_mount "{\"destination\": \"/order/a/b\", \"type\": \"bind\", \"source\": \"$PWD/source/below\", \"options\": [\"bind\"]}"
	add_mount '{"destination": "/order/a", "type": "tmpfs", "source": "tmpfs"}'
	if [ -n "${E2E_USER-}" ]; then
		expect_refused '/source: bind: expected rbind: .* only root may show' run --bundle bundle nacre-e2e-mounts
		edit "$PWD/source\", \"options\": [\"bind\"]" "$PWD/source\", \"options\": [\"rbind\"]"
		below=$'\nfile'
	fi
	nacre run --bundle bundle nacre-e2e-mounts
	expect_status 0
	expect_silent
	expect_out "7
1777 5:6
4096
Permission denied$below
file
Read-only file system
Read-only file system
file
b
file
made"
	[ -e source/made ] || failed "the file is not in the bind's source"
	for dir in t b rb ro rro order/a/b order/a order; do
		rmdir "$ROOTFS/$dir" 2> /dev/null
	done
	rm -f "$ROOTFS/single"
}

# podman run --read-only --tmpfs /nacre-new: podman fills a tmpfs with what it covers, which is nothing here
test_new_tmpfs_is_for_everybody()
{
	make_bundle sh -c 'stat -c %a /nacre-new /nacre-other; touch /nacre-new/x && echo written'
	edit '"uid": 0' '"uid": 1000'
	add_mount '{"destination": "/nacre-new", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "tmpcopyup"]}'
	add_mount '{"destination": "/nacre-other", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup", "mode=0750"]}'
	nacre run --bundle bundle nacre-e2e-new-tmpfs
	expect_status 0
	expect_silent
	expect_out "1777
750
written"
	rmdir "$ROOTFS/nacre-new" "$ROOTFS/nacre-other"
}

test_hostname_domainname_sysctl_oom_score()
{
	local last=65535

	make_bundle sh -c 'hostname; cat /proc/sys/kernel/domainname /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/net/ipv4/ping_group_range /proc/self/oom_score_adj'
	edit '"hostname": "runc"' '"hostname": "pearl", "domainname": "oyster"'
	edit '"noNewPrivileges"' '"oomScoreAdj": 321, "noNewPrivileges"'
	edit '"linux": {' '"linux": {"sysctl": {"net.ipv4.ip_forward": "1", "kernel/shmmax": "1234567", "net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}, '
	nacre run --bundle bundle nacre-e2e-names
	# the highest group of a user namespace
	is_nacre || last=2147483647
	expect_success $'pearl\noyster\n1\n1234567\n0\t'"$last"$'\n321'
}

test_devices()
{
	make_bundle sh -c '
		for d in null zero full random urandom tty; do stat -c "%F %t:%T %a %n" /dev/$d; done
		echo x > /dev/null; head -c 3 /dev/zero | wc -c; echo x > /dev/full; head -c 3 /dev/urandom | wc -c
		ls -l /dev/fd /dev/stdin /dev/ptmx | sed "s/.* \/dev/\/dev/"; ls /dev/kvm /dev/vda /dev/mem /dev/kmsg 2> /dev/null
		mknod /dev/mine b 8 0; cat /dev/more; stat -c "%F %a %u" /dev/pipe'
	edit '"linux": {' '"linux": {"devices": [{"path": "/dev/pipe", "type": "p", "fileMode": 416, "uid": 3, "gid": 4}], '
	nacre run --bundle bundle nacre-e2e-devices
	expect_out "character special file 1:3 666 /dev/null
character special file 1:5 666 /dev/zero
character special file 1:7 666 /dev/full
character special file 1:8 666 /dev/random
character special file 1:9 666 /dev/urandom
character special file 5:0 666 /dev/tty
3
3
/dev/fd -> /proc/self/fd
/dev/ptmx -> pts/ptmx
/dev/stdin -> /proc/self/fd/0
fifo 640 3"
	expect_match "write to /dev/full" 'No space left on device' "$ERR"
	expect_match "mknod" 'Operation not permitted' "$ERR"
}

# As an engine writes a privileged container.
test_devices_of_the_host_left_out()
{
	only_nacre "the host's devices are no other's to leave out"
	echo 'skip_host_devices = on' > conf
	make_bundle sh -c 'ls /dev/sda /dev/mem /dev/fuse 2> /dev/null'
	edit '"linux": {' '"linux": {"devices": [{"path": "/dev/sda", "type": "b", "major": 8, "minor": 0},
		{"path": "/dev/mem", "type": "c", "major": 1, "minor": 1}, {"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229}], '
	NACRE_CONFIG=$PWD/conf nacre run --bundle bundle nacre-e2e-privileged
	expect_out /dev/fuse
	expect_equal "warnings" 1 "$(grep -c 'linux.devices\[0\]: /dev/sda .b 8:0.: .* left out' err)"
	expect_equal "lines" 1 "$(wc -l < err)"
}

test_it_sees_only_its_own()
{
	make_bundle sh -c 'set -- /proc/[0-9]*; echo $#; cat /proc/1/comm; cat /proc/self/uid_map /proc/self/gid_map
		ls /sys/class/net; wc -l < /proc/net/unix; cat /proc/sysvipc/shm | wc -l'
	nacre run --bundle bundle nacre-e2e-own
	expect_status 0
	# the shell
	expect_match "processes, ids, interfaces" \
		$'^1\nsh\n +'"${ID_MAP// / +}"$'\n +'"${ID_MAP// / +}"$'\nlo\n1\n1$' "$OUT"
}

# A nacre of the user, who has as many ids as anybody may have.
give_more_ids()
{
	SUBIDS=$PWD/subids
	echo "$E2E_USER:100000:2000000000" > "$SUBIDS"
	{
		echo '#!/bin/sh'
		echo "exec ${AS_ROOT[*]} unshare -m sh -c 'mount --bind $SUBIDS /etc/subuid &&
			mount --bind $SUBIDS /etc/subgid && exec \"\$@\"' - $(printf '%q' "$NACRE") \"\$@\""
	} > with-more-ids
	chmod +x with-more-ids
	NACRE_BIN=./with-more-ids
}

# Without mappings an id is the host's own, whatever it is: those of OpenShift are nine digits long.
test_a_user_above_65535()
{
	[ -z "${E2E_USER-}" ] || give_more_ids
	mkdir -m 777 v
	make_bundle sh -c 'id -u; id -G; touch /v/mine; stat -c "%u:%g" /v /v/mine /v/theirs; tr -s " " < /proc/self/uid_map'
	edit '"user": {"uid": 0, "gid": 0}' '"user": {"uid": 1000660000, "gid": 70000, "additionalGids": [1000660001]}'
	add_mount "{\"destination\": \"/v\", \"type\": \"bind\", \"source\": \"$PWD/v\", \"options\": [\"bind\"]}"
	touch v/theirs
	chown "$(host_owner 80000 80000)" v/theirs
	nacre run --bundle bundle nacre-e2e-ids
	expect_success $'1000660000\n70000 1000660001\n0:0\n1000660000:70000\n80000:80000\n '"${ID_MAP/65536/1000660002}"
	expect_equal "its owner on the host" "$(host_owner 1000660000 70000)" "$(stat -c %u:%g v/mine)"
}

test_a_user_namespace_with_mappings()
{
	local uids=100000 gids=200000 inside=2147483648

	# a user may map ids of its own
	[ -z "${E2E_USER-}" ] || uids=$(($(first_id /etc/subuid) + 1000)) gids=$(($(first_id /etc/subgid) + 2000))
	mkdir v
	make_bundle sh -c 'cat /proc/self/uid_map | tr -s " "; id -u; touch /v/root; touch /v/seven; chown 7:8 /v/seven
		touch /v/beyond; chown 70000 /v/beyond 2>&1 | sed "s/.*: //"; stat -c "%u:%g %n" /v/*'
	edit '{"type": "pid"}' '{"type": "pid"}, {"type": "user"}'
	edit '"linux": {' "\"linux\": {\"uidMappings\": [{\"containerID\": 0, \"hostID\": $uids, \"size\": 5000}], \"gidMappings\": [{\"containerID\": 0, \"hostID\": $gids, \"size\": 5000}], "
	edit '"CAP_AUDIT_WRITE"' '"CAP_CHOWN", "CAP_AUDIT_WRITE"'
	CONFIG=${CONFIG//'["CAP_AUDIT_WRITE"'/'["CAP_CHOWN", "CAP_AUDIT_WRITE"'}
	add_mount "{\"destination\": \"/v\", \"type\": \"bind\", \"source\": \"$PWD/v\", \"options\": [\"bind\"]}"
	edit '"readonly": true' '"readonly": false'
	chown $uids:$gids v
	cp -a "$ROOTFS" rootfs
	chown -R -h $uids:$gids rootfs
	edit "$ROOTFS" "$PWD/rootfs"
	nacre run --bundle bundle nacre-e2e-userns
	expect_status 0
	expect_equal "owners on the host" "$uids:$gids v/beyond $uids:$gids v/root $((uids + 7)):$((gids + 8)) v/seven" \
		"$(stat -c '%u:%g %n' v/* | xargs)"
	is_nacre || inside=$uids
	expect_match "ids in the container" $'^ 0 '"$inside"$' 5000\n0\nInvalid argument\n0:0 /v/beyond\n0:0 /v/root\n7:8 /v/seven$' "$OUT"
}

# Less than a VM takes: that comes on top.
test_a_low_limit_and_a_user_namespace_without_mappings()
{
	mkdir v
	make_bundle sh -c 'cat /sys/fs/cgroup/memory.max; tail /dev/zero; echo $?; touch /v/mine; tr -s " " < /proc/self/uid_map'
	edit '{"type": "pid"}' '{"type": "pid"}, {"type": "cgroup"}'
	of_nacre "others must be told of mappings" edit '{"type": "pid"}' '{"type": "pid"}, {"type": "user"}'
	edit '"resources": {' '"resources": {"memory": {"limit": 10485760, "swap": 10485760}, '
	add_mount "{\"destination\": \"/v\", \"type\": \"bind\", \"source\": \"$PWD/v\", \"options\": [\"bind\"]}"
	nacre run --bundle bundle nacre-e2e-low
	expect_status 0
	expect_out $'10485760\n137\n '"$ID_MAP"
	expect_equal "its owner on the host" "$(host_owner 0 0)" "$(stat -c %u:%g v/mine)"
}

# Notes that the host's cgroup of a container was throttled, as long as it is there.
watch_throttling()	# ID
{
	local stat=$OWN_CGROUPS/nacre/$1/cpu.stat

	wait_until $((60 * E2E_SLOW)) grep -qs '^nr_throttled [1-9]' "$stat" && : > throttled
}

test_limits_of_the_container()
{
	local watcher processors=1

	is_nacre || processors=$(nproc)
	make_bundle sh -c 'cat /sys/fs/cgroup/pids.max /sys/fs/cgroup/memory.max /sys/fs/cgroup/cpu.max
		nproc; for i in 1 2; do while :; do :; done & done
		n=0; while [ $n -lt 10 ] && grep -q "^nr_throttled 0" /sys/fs/cgroup/cpu.stat; do sleep 2; n=$((n + 1)); done
		kill %1 %2; grep nr_throttled /sys/fs/cgroup/cpu.stat
		(i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i + 1)); done) 2> /dev/null
		read line < /sys/fs/cgroup/pids.events; echo "$line"'
	edit '{"type": "pid"}' '{"type": "pid"}, {"type": "cgroup"}'
	edit '"resources": {' '"resources": {"pids": {"limit": 20}, "memory": {"limit": 67108864}, "cpu": {"quota": 50000, "period": 100000}, '
	watch_throttling nacre-e2e-limits &
	watcher=$!
	nacre run --bundle bundle nacre-e2e-limits
	kill "$watcher" 2> /dev/null
	expect_match "the limits, a busy loop and a fork bomb" \
		$'^20\n67108864\n50000 100000\n'"$processors"$'\nnr_throttled [0-9]+\nmax [1-9][0-9]*$' "$OUT"
	# the same limit holds on the host, which counts the VMM as well: either may be first
	case $OUT in
	*'nr_throttled 0'*) [ -e throttled ] || failed "the busy loop was throttled neither inside nor on the host" ;;
	esac
}

test_a_cgroup_path()
{
	make_bundle sh -c 'echo ready; exec sleep 1000'
	edit '"linux": {' '"linux": {"cgroupsPath": "/nacre-e2e-cgroup/c1", '
	start_ready run --bundle bundle nacre-e2e-cgroup
	of_nacre "its companions" \
		expect_equal "processes in the cgroup" 3 "$(helpers_in "$OWN_CGROUPS/nacre-e2e-cgroup/c1" | wc -l)"
	expect_equal "the pid's cgroup" "0::${OWN_CGROUPS#"$CGROUPS"}/nacre-e2e-cgroup/c1" \
		"$(< "/proc/$(pid_of nacre-e2e-cgroup)/cgroup")"
	kill -KILL "$(process_named "$(is_nacre && echo nacre-vmm || echo sleep)")"
	finish
	[ ! -d "$OWN_CGROUPS/nacre-e2e-cgroup/c1" ] || failed "the cgroup is left"
	rmdir "$OWN_CGROUPS/nacre-e2e-cgroup" 2> /dev/null
}

# As crun's callers name it; relative to the caller's directory.
test_a_configuration_of_another_name()
{
	make_bundle pwd
	mkdir other
	mv bundle/config.json other/c.json
	nacre run --config other/c.json --bundle bundle nacre-e2e-config
	expect_success /
	nacre run -f other/c.json --no-subreaper nacre-e2e-config
	expect_success /
	nacre run --config other/none.json nacre-e2e-config
	expect_failure 125 'other/none.json: expected the bundle.s configuration' "run with a configuration that is not there"
	expect_out ""
	expect_equal "nothing left" "" "$(left_behind)"
	of_nacre "its own option" expect_refused '--rootfs: expected either' run --config other/c.json --rootfs "$ROOTFS" -- true
}

# A relative root, a bundle named by a relative path, properties that nobody knows.
test_leniency()
{
	make_bundle echo hello
	mkdir bundle/rootfs
	mount --bind "$ROOTFS" bundle/rootfs
	edit "\"path\": \"$ROOTFS\"" '"path": "rootfs"'
	of_nacre "crun takes 1.0 only" edit '"ociVersion": "1.0.2-dev"' '"ociVersion": "1.9.9"'
	edit '"ociVersion"' '"org.example.unknown": {"a": [1]}, "ociVersion"'
	edit '"CAP_KILL"' '"CAP_KILL", "CAP_FROM_THE_FUTURE"'
	nacre run --bundle bundle nacre-e2e-lenient
	expect_status 0
	expect_out hello
	is_nacre || return 0 # warnings are nacre's
	expect_match "a warning of the capability" 'CAP_FROM_THE_FUTURE' "$ERR"
	expect_match "a warning of the property" 'org.example.unknown' "$ERR"
}

# But for what docs/differences.md says: devices are bind mounts, /dev/mqueue is nobody's, and there is
# less in /proc to mask.
test_the_same_answers_as_crun()
{
	only_nacre "it is compared with another"
	need_command crun
	make_bundle sh -c '
		grep -vE "^(Cpus_allowed|Mems_allowed|Seccomp|Speculation|voluntary|nonvoluntary|Vm|Rss|Hugetlb|Shd|Sig|Threads|Pid|Tgid|Ngid|NS|x86|THP|CoreDumping|PPid|untag)" /proc/self/status
		cat /proc/self/limits | grep -vE "pending signals|processes|locked"
		awk "{ print \$5, \$4 }" /proc/self/mountinfo | grep -v cgroup | cut -d " " -f 1 | sort |
			grep -vE "^/proc/|^/dev/(null|zero|full|random|urandom|tty)$"
		ls -ln /dev | grep -vE "core|mqueue" | awk "{ print \$1, \$3, \$4, \$NF }"; ls -A / ; env | sort; ls -l /proc/self/fd | wc -l; umask; pwd'
	nacre run --bundle bundle nacre-e2e-same
	expect_status 0
	crun run --bundle bundle nacre-e2e-crun > crun-out 2> /dev/null < /dev/null
	expect_equal "the same as under crun (< nacre, > crun)" "" "$(diff out crun-out)"
}

run_subject "$@"
