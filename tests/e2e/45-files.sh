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
	local pid line seen='' mounts

	mkdir v
	start_ready run "${SMALL[@]}" --volume "$PWD/v:/v" -- sh -c 'echo ready; sleep 4'
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
	# no device of the host by a node in the container's files, whoever made it
	mapfile -t mounts < "/proc/$pid/mountinfo"
	expect_between "its mounts" 1 100 "${#mounts[@]}"
	for line in "${mounts[@]}"; do
		expect_match "its mount" '^([^ ]+ ){5}[^ ]*nosuid,nodev' "$line"
	done
	finish
	expect_success ready
}

test_procfs_sysfs_and_devices_are_no_volumes()
{
	local dir

	mkdir dev
	mount -t devtmpfs nacre-e2e dev || give_up "expected a devtmpfs"
	for dir in /proc /sys /dev/pts "$PWD/dev"; do
		expect_refused "^nacre: --volume .*:/v: $dir: procfs, sysfs, devtmpfs .* cannot be shared with a VM" run "${SMALL[@]}" --volume "$dir:/v" -- true
	done
}

# A device node leads to nothing, a FIFO and a socket to nobody on the host: the names are the host's, what
# is behind them is the guest's own.
test_special_files_of_the_host_in_a_volume_lead_nowhere()
{
	local listener writer

	need_command python3
	mkdir -m 777 v
	mknod -m 666 v/null c 1 3 && mknod -m 666 v/kmsg c 1 11 && mknod -m 666 v/disk b 254 0 && mkfifo -m 666 v/fifo
	cp "$E2E_BUILD/e2e/guest/notify" v/
	python3 -c "
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind('v/socket')
os.chmod('v/socket', 0o666)
print('listening', flush=True)
print(s.recv(100), flush=True)" > heard &
	listener=$!
	(echo 'of the host' > v/fifo) &
	writer=$!
	wait_until $((5 * E2E_SLOW)) has_line heard listening || failed "the listener does not run"
	run --volume "$PWD/v:/v" -- sh -c '
		for f in null kmsg disk; do
			head -c 1 /v/$f > /dev/null || echo "no $f"
			(echo x > /v/$f) || echo "no $f"
		done 2> /dev/null
		NOTIFY_SOCKET=/v/socket /v/notify hello 2> /dev/null || echo "no socket"
		echo "of the guest" > /v/fifo & cat /v/fifo
		ls -l /v | cut -c 1 | tr -d "\n"'
	expect_status 0
	expect_out $'no null\nno null\nno kmsg\nno kmsg\nno disk\nno disk\nno socket\nof the guest\ntbpc-cs'
	expect_equal "what the host's socket heard" listening "$(< heard)"
	kill -0 "$writer" || failed "somebody has opened the host's FIFO"
	kill "$listener" "$writer"
}

# What of ./disk/image, copied while it is in use, the files ROOT-OR-VOLUME/NAME hold: as after a loss of power.
expect_on_disk()	# WHAT TEXT NAME…
{
	local what=$1 expected=$2 seen='' name

	shift 2
	cp disk/image disk/copy && mount -o loop disk/copy copy || give_up "expected a copy of the disk"
	for name; do
		[ ! -s "copy/$name" ] || seen+="$(tr -d '\0' < "copy/$name") "
	done
	umount copy
	expect_equal "$what" "$expected" "$seen"
}

# tests/files/run has each way to say so, one after the other; FUSE_SYNCFS is what only a guest sends.
test_what_is_synced_is_on_the_disk()
{
	need_command mkfs.ext4
	make_disk
	mkdir used copy
	truncate -s 64M disk/image && mkfs.ext4 -q -F disk/image && mount -o loop,commit=900 disk/image used ||
		give_up "expected a disk of its own"
	mkdir -p used/volume used/root
	cp -a "$ROOTFS/." used/root/
	mkdir -p used/root/{v,work}
	cp "$E2E_BUILD/e2e/guest/fsynced" used/root/
	sync -f used
	start_ready run --memory 64M --cpus 1 --rootfs "$PWD/used/root" --volume "$PWD/used/volume:/v" -- sh -c '
		for d in /work /v; do
			for w in none fsync msync; do /fsynced $w $d/$w || echo "not $w"; done
		done
		echo ready
		until [ -e /v/go ]; do sleep 0.1; done
		/fsynced sync /work/sync && /fsynced none /work/later && /fsynced none /v/later && echo synced
		until [ -e /v/end ]; do sleep 0.1; done'
	expect_on_disk "files that were synced, and no others" "fsync msync fsync msync " \
		{root/work,volume}/{none,fsync,msync}
	: > used/volume/go
	wait_until 30 has_line out synced || failed "sync has no end"
	expect_on_disk "all that was there at sync, and nothing later" "none none sync " \
		{root/work,volume}/none root/work/sync {root/work,volume}/later
	: > used/volume/end
	finish
	expect_success $'ready\nsynced'
	umount used
	remove_disk
}

LIMITS[test_posix_on_ext4_as_under_crun]=$((E2E_FULL + 0 ? 1800 : 240))
LIMITS[test_posix_on_overlay_as_under_crun]=$((E2E_FULL + 0 ? 1800 : 240))

# A directory on a real disk, at ./disk: the file system that a host has, not the tmpfs of the tests.
make_disk()
{
	mkdir disk
	DISK=$(mktemp -d "${NACRE_SCRATCH:-/var/tmp}/nacre-e2e.XXXXXX")
	mount --bind "$DISK" disk
}

remove_disk()
{
	umount disk
	rm -rf --one-file-system "$DISK"
}

# The capabilities that Docker gives, and CAP_SETFCAP; the default of runc spec has no CAP_CHOWN.
give_file_capabilities()
{
	CONFIG=${CONFIG//'"CAP_KILL"'/'"CAP_KILL", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_SETUID", "CAP_SETGID", "CAP_SETFCAP"'}
}

# What is seen on the host of a tree, but for times, inode numbers and the order of names.
describe_tree()	# TREE
{
	(
		cd "$1" || exit
		find . -printf '%y %m %U:%G %n %p -> %l\n' | sort
		find . -type f -printf '%s %p\n' | sort
		# two processes wrote ./data/log, in any order
		[ ! -e data/log ] || sort -o data/log data/log
		find . -type f -size -100M -exec sha256sum {} + | sort -k 2
		getfattr -R -h -d -m - . 2> /dev/null
	)
}

# The programs guest/posix-*.c in the root file system and in a volume, once in a virtual machine and
# once under crun: each claim holds, and the host sees the same files. ./by-NAME is the root, and
# ./volume-by-NAME the volume.
expect_posix()
{
	local name program

	make_bundle sh -c 'for d in /work /v; do for p in names data rights; do
		/px/posix-$p $d '"${E2E_FULL:+10000}"'; done; done'
	# two processors make an emulated host three times slower
	[ -n "$E2E_FULL" ] || edit '"resources": {' '"resources": {"cpu": {"quota": 100000, "period": 100000}, '
	edit '"readonly": true' '"readonly": false'
	give_file_capabilities
	edit "$ROOTFS" "$PWD/by-nacre"
	add_mount "{\"destination\": \"/v\", \"type\": \"bind\", \"source\": \"$PWD/volume-by-nacre\", \"options\": [\"rbind\", \"rw\"]}"
	for name in nacre crun; do
		mkdir -p "by-$name"/{px,work,v}
		cp "$E2E_BUILD"/e2e/guest/posix-* "by-$name/px/"
	done
	nacre run --bundle bundle nacre-e2e-posix
	expect_silent
	expect_equal "what does not hold" "" "$(grep -v '^ok ' out)"
	expect_between "claims that hold" 400 1000 "$(grep -c '^ok ' out)"
	mv out out-nacre
	edit "$PWD/by-nacre" "$PWD/by-crun"
	edit "$PWD/volume-by-nacre" "$PWD/volume-by-crun"
	crun run --bundle bundle nacre-e2e-crun > out-crun || failed "crun: status $?"
	expect_equal "the same answers as under crun (< nacre, > crun)" "" "$(diff out-nacre out-crun)"
	for name in nacre crun; do
		describe_tree "by-$name/work" > "list-$name"
		describe_tree "volume-by-$name" >> "list-$name"
	done
	expect_between "lines about the files" 200 100000 "$(wc -l < list-crun)"
	expect_equal "the same files as under crun (< nacre, > crun)" "" "$(diff list-nacre list-crun)"
}

test_posix_on_ext4_as_under_crun()
{
	local name

	need_command crun
	make_disk
	for name in nacre crun; do
		mkdir -p "disk/by-$name" "disk/volume-by-$name"
		cp -a "$ROOTFS/." "disk/by-$name/"
		ln -s "disk/by-$name" "disk/volume-by-$name" .
	done
	expect_posix
	remove_disk
}

test_posix_on_overlay_as_under_crun()
{
	local name dir

	full_only "a minute"
	need_command crun
	make_disk
	mkdir -p disk/lower disk/volume-lower
	cp -a "$ROOTFS/." disk/lower/
	for name in nacre crun; do
		for dir in by volume-by; do
			mkdir -p "disk/$dir-$name"/{upper,work} "$dir-$name"
			mount -t overlay nacre-e2e "$dir-$name" -o "lowerdir=disk/${dir%by}lower,upperdir=disk/$dir-$name/upper,workdir=disk/$dir-$name/work"
		done
	done
	expect_posix
	umount by-{nacre,crun} volume-by-{nacre,crun}
	remove_disk
}

# Runs the script ./in/script in /work (the root file system: the Debian tree, writable by an overlay)
# and in /v (a volume) with the commands NAME… of this host, once in a virtual machine and once under
# crun: both times it says WORDS. Then the trees are by-{nacre,crun}/work and volume-by-{nacre,crun};
# finish_program takes them away.
expect_program()	# CONTAINER WORDS NAME…
{
	local container=$1 words=$2 name command

	shift 2
	make_bundle sh -c 'for d in /work /v; do cd $d && sh /in/script; done'
	edit '"readonly": true' '"readonly": false'
	# two processors make an emulated host three times slower
	edit '"resources": {' '"resources": {"cpu": {"quota": 100000, "period": 100000}, '
	give_file_capabilities
	edit "$ROOTFS" "$PWD/by-nacre"
	add_mount "{\"destination\": \"/v\", \"type\": \"bind\", \"source\": \"$PWD/volume-by-nacre\", \"options\": [\"rbind\", \"rw\"]}"
	add_mount "{\"destination\": \"/in\", \"type\": \"bind\", \"source\": \"$PWD/in\", \"options\": [\"rbind\", \"ro\"]}"
	for name in nacre crun; do
		mkdir -p "disk/$name"/{upper/{work,v,in,tmp,usr/bin},work,volume} "by-$name"
		chmod 1777 "disk/$name/upper/tmp"
		for command; do
			cp "$(command -v "$command")" "disk/$name/upper/usr/bin/"
		done
		ln -s git "disk/$name/upper/usr/bin/git-upload-pack"
		ln -s "disk/$name/volume" "volume-by-$name"
		mount -t overlay nacre-e2e "by-$name" -o \
			"lowerdir=$E2E_DEBIAN,upperdir=disk/$name/upper,workdir=disk/$name/work"
	done
	nacre run --bundle bundle "nacre-e2e-$container"
	expect_silent
	expect_status 0
	expect_equal "what was said, twice" "$words"$'\n'"$words" "$(< out)"
	edit "$PWD/by-nacre" "$PWD/by-crun"
	edit "$PWD/volume-by-nacre" "$PWD/volume-by-crun"
	crun run --bundle bundle "nacre-e2e-crun-$container" > out || failed "crun: status $?"
	expect_equal "what was said under crun, twice" "$words"$'\n'"$words" "$(< out)"
}

expect_same_trees()	# LINES-AT-LEAST
{
	local name

	for name in nacre crun; do
		describe_tree "by-$name/work" > "list-$name"
		describe_tree "volume-by-$name/" >> "list-$name"
	done
	expect_between "lines about the files" "$1" 100000 "$(wc -l < list-crun)"
	expect_equal "the same files as under crun (< nacre, > crun)" "" "$(diff list-nacre list-crun | head -20)"
}

finish_program()
{
	umount by-{nacre,crun}
	remove_disk
}

need_program()	# NAME…
{
	full_only "a minute or two each"
	need_command crun "$@"
	[ -d "$E2E_DEBIAN/usr" ] || skip "no Debian tree"
	mkdir in
	make_disk
}

LIMITS[test_git_as_under_crun]=600
LIMITS[test_tar_as_under_crun]=600
LIMITS[test_sqlite_as_under_crun]=600
LIMITS[test_sqlite_speed_as_under_crun]=600
LIMITS[test_compiler_as_under_crun]=600

test_git_as_under_crun()
{
	local place

	need_program git
	git init -q in/repo 2> /dev/null
	for place in 1 2 3; do
		cp "$E2E_DIR"/lib/* in/repo/ && echo "$place" > in/repo/new
		git -C in/repo add . &&
			git -C in/repo -c user.name=n -c user.email=n@example.org commit -q -m "$place"
	done
	cat > in/script << 'END'
export HOME=/tmp LC_ALL=C GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
export GIT_CONFIG_KEY_1=init.templateDir GIT_CONFIG_VALUE_1=
git clone -q /in/repo copy && cd copy && git fsck --full --strict && git checkout -q -b other &&
	echo more >> new && git -c user.name=n -c user.email=n@example.org commit -q -a -m more &&
	git gc -q --prune=now && git fsck --full && git status --porcelain
echo "git: $?"
END
	expect_program git 'git: 0' git
	for place in by-nacre/work volume-by-nacre; do
		git -c safe.directory='*' -C "$place/copy" fsck --full --strict > out 2>&1 || failed "git fsck on the host: $(< out)"
	done
	# what is in them depends on times
	rm -rf by-{nacre,crun}/work/copy/.git volume-by-{nacre,crun}/copy/.git
	expect_same_trees 20
	finish_program
}

# Owners, set-user-id bits, attributes, ACLs, links, FIFOs and holes through an archive and back, twice.
test_tar_as_under_crun()
{
	local i

	need_program tar setfacl setfattr
	mkdir -p disk/tree/{a,b}/{c,d}
	for ((i = 0; i < 24; i++)); do
		head -c $((i * i * 99)) "$E2E_BUILD/bin/nacre" > "disk/tree/a/c/$i"
		chmod $((i % 8))$((i % 7))5 "disk/tree/a/c/$i" && chown "$i:$((i * 3))" "disk/tree/a/c/$i"
		setfattr -n user.number -v "$i" "disk/tree/a/c/$i" && setfacl -m "u:$((i + 5)):r" "disk/tree/a/c/$i"
	done
	setfacl -d -m g:77:rwx disk/tree/b
	ln disk/tree/a/c/6 disk/tree/b/d/six && ln -s nowhere disk/tree/b/link && mkfifo disk/tree/b/fifo
	truncate -s 5M disk/tree/b/sparse
	tar -C disk/tree --xattrs --xattrs-include='user.*' --acls --numeric-owner -cSf in/in.tar .
	cat > in/script << 'END'
tar="tar --xattrs --xattrs-include=user.* --acls --numeric-owner"
mkdir x y && $tar -C x -xpSf /in/in.tar && $tar -C x -cSf out.tar . && $tar -C y -xpSf out.tar
echo "tar: $?"
rm out.tar
END
	expect_program tar 'tar: 0'
	expect_same_trees 300
	finish_program
}

# Several writers at once, by a rollback journal and by a write-ahead log in shared memory.
test_sqlite_as_under_crun()
{
	local mode place

	need_program sqlite3
	cat > in/script << 'END'
for mode in delete wal; do
	sqlite3 $mode.db "pragma journal_mode=$mode; create table t(a integer primary key, b text);"
	for p in 1 2 3; do
		for i in 1 2 3 4; do
			echo "pragma busy_timeout=60000; begin immediate;"
			echo "insert into t(b) select hex(zeroblob(200)) from (values(1),(2),(3),(4),(5)); commit;"
		done | sqlite3 $mode.db > /dev/null &
	done
	wait
	sqlite3 $mode.db "create index i on t(b); pragma integrity_check; select count(*) from t; vacuum;
		pragma integrity_check;"
done
END
	expect_program sqlite "$(printf '%s\n' delete ok 60 ok wal ok 60 ok)" sqlite3
	for place in by-nacre/work volume-by-nacre; do
		for mode in delete wal; do
			expect_equal "$place/$mode.db on the host" "$(printf 'ok\n60')" \
				"$(sqlite3 "$place/$mode.db" 'pragma integrity_check; select count(*) from t;')"
		done
	done
	finish_program
}

# sqlite's own speed test: the same answers as on this host and under crun. Its times are judged by nobody.
test_sqlite_speed_as_under_crun()
{
	local speedtest=${E2E_DEBIAN%/*}/speedtest1 words

	need_program sqlite3
	[ -x "$speedtest" ] || skip "sqlite's speed test: $(tail -n 1 "$speedtest.why")"
	cp "$speedtest" in/
	cat > in/script << 'END'
for mode in delete wal; do
	${IN:-/in}/speedtest1 --size 5 --verify --journal $mode $mode.db > said || echo "status $?"
	sed -n '/^Verification Hash/p' said
	sqlite3 $mode.db "pragma integrity_check"
done
END
	mkdir plain
	words=$(cd plain && IN=../in sh ../in/script)
	expect_equal "answers on this host" 4 "$(grep -cE '^Verification Hash|^ok$' <<< "$words")"
	expect_program sqlite-speed "$words" sqlite3
	finish_program
}

test_compiler_as_under_crun()
{
	local name

	need_program make
	cp -r "$E2E_DIR"/../../include in/
	for name in chain name; do
		printf '#include "bytes.h"\nint %s(struct le32 x) { return (int)le32_get(x); }\n' $name > in/$name.c
	done
	cat > in/main.c << 'END'
#include <stdio.h>
#include "bytes.h"
int chain(struct le32 x);
int name(struct le32 x);
int main(void) { return printf("%d\n", chain(le32_of(40)) + name(le32_of(2))) < 0; }
END
	cat > in/Makefile << 'END'
main: main.o chain.o name.o; gcc -o $@ $^
%.o: %.c; gcc -c -O1 -Iinclude -o $@ $<
END
	cat > in/script << 'END'
cp -r /in/include /in/*.c /in/Makefile . && make -s && ./main
echo "make: $?"
make -s
END
	expect_program compiler "$(printf '%s\n' 42 'make: 0')" make
	expect_same_trees 30
	finish_program
}

LIMITS[test_random_io_and_names_on_ext4]=600

# Random I/O with mappings against a model for ten minutes, in the root file system and two volumes: on ext4,
# and on an overlay there.
LIMITS[test_ten_minutes_of_random_io]=1200
test_ten_minutes_of_random_io()
{
	local place said

	full_only "10 minutes"
	make_disk
	mkdir -p disk/{root,volume,lower,upper,work} overlay
	cp -a "$ROOTFS/." disk/root/
	mkdir -p disk/root/{work,v,o}
	cp "$E2E_BUILD/e2e/guest/fsx" disk/root/
	mount -t overlay nacre-e2e overlay -o lowerdir=disk/lower,upperdir=disk/upper,workdir=disk/work
	nacre run --memory 256M --cpus 2 --rootfs "$PWD/disk/root" --volume "$PWD/disk/volume:/v" \
		--volume "$PWD/overlay:/o" -- sh -c '
		for d in /work /v /o; do /fsx $d/file 20261122 600 | sed "s,^,$d: ,"& done; wait'
	expect_success "$OUT"
	said=$(sort out)
	expect_equal "what three say" $'/o: ok\n/v: ok\n/work: ok' "$(cut -d ' ' -f 1-2 <<< "$said")"
	for place in disk/root/work disk/volume overlay; do
		cmp "$place/file" "$place/file.model" || failed "the host sees another $place/file"
	done
	tell "${said//$'\n'/; }"
	umount overlay
	remove_disk
}

# tests/files/run has the same for longer, without a virtual machine.
test_random_io_and_names_on_ext4()
{
	local seconds=120 place

	full_only "3 minutes"
	make_disk
	mkdir -p disk/{root,volume}
	cp -a "$ROOTFS/." disk/root/
	mkdir -p disk/root/{px,work,v} disk/{root/work,volume}/names
	cp "$E2E_BUILD"/e2e/guest/fs{x,stress} disk/root/px/
	nacre run --memory 256M --cpus 2 --rootfs "$PWD/disk/root" --volume "$PWD/disk/volume:/v" -- sh -c "
		for d in /work /v; do
			/px/fsx \$d/file 20261122 $seconds & /px/fsstress \$d/names 20261122 $seconds 8 &
		done; wait" && expect_status 0
	expect_equal "all four say ok" 4 "$(grep -c '^ok ' out)"
	expect_equal "what went wrong" "" "$(grep -v -e '^ok ' -e '^# ' out)"
	for place in disk/root/work disk/volume; do
		cmp "$place/file" "$place/file.model" || failed "the host sees another $place/file"
	done
	remove_disk
}

run_subject "$@"
