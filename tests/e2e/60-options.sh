#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The options of nacre run.

set -uo pipefail
# shellcheck source-path=SCRIPTDIR source=lib/tests.sh
. "${0%/*}/lib/tests.sh"
# shellcheck source-path=SCRIPTDIR source=lib/containers.sh
. "$E2E_DIR/lib/containers.sh"

test_version()
{
	nacre --version
	expect_status 0
	expect_silent
	expect_match "release" '^nacre version [0-9]+\.[0-9]+' "$OUT"
	for what in commit kernel init protocol; do
		expect_match "$what" $'\n'"$what: [^ ]+" "$OUT"
	done
	case $OUT in
	*missing* | *unknown*) failed "a companion is missing or of unknown version"; show "$OUT" ;;
	esac
}

test_help()
{
	nacre --help
	expect_status 0
	expect_match "the verb run" 'run  ' "$OUT"
	nacre run --help
	expect_status 0
	for option in name env workdir user read-only volume memory cpus kernel console-log init bundle rootfs; do
		expect_match "the option --$option" "--$option" "$OUT"
	done
}

test_the_manual_has_every_verb_and_option()
{
	local manual help verb option n=0

	manual=$(< "$E2E_DIR/../../docs/nacre.1")
	manual=${manual//\\-/-}
	help=$("$NACRE" --help)
	for verb in '' $(sed -n '/^Verbs:/,$s/^  \([a-z]*\) .*/\1/p' <<< "$help"); do
		case $manual in
		*"$verb"*) ;;
		*) failed "the manual has no $verb" ;;
		esac
		for option in $("$NACRE" ${verb:+"$verb"} --help 2> err | sed -nE 's/^  (-[a-z], )?(--[a-z-]+).*/\2/p'); do
			n=$((n + 1))
			case $manual in
			*"$option"*) ;;
			*) failed "the manual has no $verb $option" ;;
			esac
		done
	done
	expect_between "options" 50 500 "$n"
}

test_name_env_workdir_user()
{
	run --name nacre-e2e-pearl --env COLOUR=white --env 'TWO=a b=c' --env HOME=/nowhere \
		--workdir /var/tmp --user 1234:4321 -- \
		sh -c 'hostname; echo "$COLOUR $HOME"; env | grep "TWO"; pwd; id -u; id -g; id -G; grep Groups /proc/self/status'
	expect_success $'nacre-e2e-pearl\nwhite /nowhere\nTWO=a b=c\n/var/tmp\n1234\n4321\n4321\nGroups:\t '
}

test_user_without_group_and_default_environment()
{
	run --user 33 --env 'odd name=1' -- env
	expect_success $'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nodd name=1\nHOME=/var/www'
	run --user 33 -- sh -c 'id -u; id -g; touch /etc/x; grep CapEff /proc/self/status'
	expect_status 0
	expect_out $'33\n0\nCapEff:\t0000000000000000'
	expect_match "a file that is root's" 'Permission denied' "$ERR"
}

test_a_workdir_that_is_a_file()
{
	run --workdir /etc/passwd -- true
	expect_status 125
	expect_one_line '/etc/passwd'
}

test_a_name_is_made_up_and_seen_in_the_state()
{
	start_ready run "${SMALL[@]}" --name nacre-e2e-named -- sh -c 'echo ready; exec sleep 1000'
	[ -d "$E2E_STATE/nacre-e2e-named" ] || failed "no state in $E2E_STATE: $(ls -A "$E2E_STATE")"
	"$NACRE" "${E2E_ROOT[@]}" run "${SMALL[@]}" --name nacre-e2e-named -- true > second 2>&1
	expect_equal "status of a second one" 125 $?
	expect_match "the reason" '^nacre: nacre-e2e-named: a container with this name exists$' "$(< second)"
	[ -d "$E2E_STATE/nacre-e2e-named" ] || failed "the second one removed the state of the first"
	kill -KILL "$(process_named nacre-vmm)"
	finish
}

test_one_vmm_for_each_vm_and_names_of_processes()
{
	local pid

	start_ready run "${SMALL[@]}" -- sh -c 'echo ready; exec sleep 1000'
	expect_equal "processes" $'nacre\nnacre-fsd\nnacre-monitor\nnacre-vmm' \
		"$(processes | cut -d ' ' -f 2 | sort)"
	pid=$(process_named nacre-vmm)
	kill -KILL "$pid"
	finish
}

test_read_only()
{
	mkdir v
	run --read-only --volume "$PWD/v:/mnt" -- sh -c 'touch /file; mkdir /etc/x; chmod 777 /etc/passwd; rm /etc/hosts
		echo x > /etc/hosts; touch /mnt/written /dev/shm/written && echo ok'
	expect_status 0
	expect_out ok
	expect_equal "refusals" 5 "$(grep -c 'Read-only file system' err)"
	[ -e v/written ] || failed "a volume is read-only too"
	[ ! -e "$ROOTFS/file" ] || failed "the file is there"
}

test_writes_to_the_rootfs_arrive()
{
	run -- sh -c 'echo content > /root/nacre-e2e; chmod 600 /root/nacre-e2e'
	expect_success ""
	expect_equal "the file on the host" "content 600 $(host_owner 0 0)" \
		"$(cat "$ROOTFS/root/nacre-e2e") $(stat -c '%a %u:%g' "$ROOTFS/root/nacre-e2e")"
	rm -f "$ROOTFS/root/nacre-e2e"
}

test_volumes()
{
	mkdir -p rw/below ro
	mount -t tmpfs below rw/below
	echo below > rw/below/file
	echo content > ro/file
	echo alone > single
	chmod 640 single
	run --volume "$PWD/rw:/data/deep/rw" --volume "$PWD/ro:/data/ro:ro" --volume "$PWD/single:/etc/single" \
		--volume "$PWD/single:/etc/single-ro:ro" --volume "$PWD/rw:/data/again:rw" -- sh -c '
		cat /data/deep/rw/below/file /data/ro/file /etc/single /etc/single-ro
		echo new > /data/deep/rw/made
		cat /data/again/made
		echo more >> /etc/single
		echo x > /data/ro/file || echo refused
		rm /data/ro/file || echo refused
		echo x >> /etc/single-ro || echo refused
		stat -c "%F %a" /etc/single
		rmdir /data/ro || echo busy'
	expect_status 0
	expect_out $'below\ncontent\nalone\nalone\nnew\nrefused\nrefused\nrefused\nregular file 640\nbusy'
	expect_equal "the file volume on the host" $'alone\nmore' "$(cat single)"
	expect_equal "the read-only volume on the host" content "$(cat ro/file)"
	expect_equal "the new file on the host" new "$(cat rw/made)"
	# the mount points that it had to make
	rmdir "$ROOTFS/data/deep/rw" "$ROOTFS/data/deep" "$ROOTFS/data/ro" "$ROOTFS/data/again" "$ROOTFS/data" \
		2> /dev/null
	rm -f "$ROOTFS/etc/single" "$ROOTFS/etc/single-ro"
}

test_a_volume_that_does_not_exist()
{
	expect_refused '--volume .*/absent:/v.*[Nn]o such file' run "${SMALL[@]}" --volume "$PWD/absent:/v" -- true
	[ ! -e absent ] || failed "the directory was made"
	expect_refused '--volume nothing: expected HOST:GUEST' run "${SMALL[@]}" --volume nothing -- true
	expect_refused '--volume /tmp:v: expected' run "${SMALL[@]}" --volume /tmp:v -- true
	expect_refused '--volume /tmp:/v:rx: expected' run "${SMALL[@]}" --volume /tmp:/v:rx -- true
	mkfifo pipe
	expect_refused 'pipe.*expected a directory or a regular file' run "${SMALL[@]}" --volume "$PWD/pipe:/v" -- true
	expect_refused '/proc.*cannot be shared' run "${SMALL[@]}" --volume /proc:/v -- true
}

test_links_in_a_volume_stay_inside()
{
	mkdir v
	echo secret > secret
	ln -s "$PWD/secret" v/absolute
	ln -s ../secret v/relative
	ln -s /etc/hostname v/theirs
	ln -s "/proc/self/root$PWD/secret" v/magic
	ln -s /proc/1/cwd/secret v/cwd
	run --volume "$PWD/v:/v" -- sh -c 'cat /v/absolute; cat /v/relative; cat /v/magic; cat /v/cwd; cat /v/theirs; cat /v/../../../../etc/hostname'
	expect_equal "only files of the container" $'localhost\nlocalhost' "$OUT"
}

test_kernel()
{
	cp "$E2E_NACRE/share/nacre/vmlinux" other-kernel
	mv "$E2E_NACRE/share/nacre/vmlinux" installed
	run --kernel "$PWD/other-kernel" -- uname -s
	mv installed "$E2E_NACRE/share/nacre/vmlinux"
	expect_success Linux
	expect_refused '--kernel.*/no/kernel|/no/kernel.*kernel' run "${SMALL[@]}" --kernel /no/kernel -- true
}

test_console_log()
{
	run --console-log "$PWD/log" -- echo hello
	expect_success hello
	expect_match "the kernel's messages" 'Linux version [0-9]' "$(head -c 100000 log)"
	expect_between "bytes of the log" 1000 1048576 "$(stat -c %s log)"
	expect_equal "mode of the log" 600 "$(stat -c %a log)"
}

test_console_log_is_bounded()
{
	# a container cannot write to the kernel's log; the guest's first program can
	[ "$E2E_PLACE" = direct ] || skip "an emulated host takes minutes to write 1 MiB"
	hostile_tree init-floods
	NACRE_BIN=$HOSTILE run --console-log "$PWD/log" -- true
	expect_status 125
	expect_between "bytes of the log" 500000 1048576 "$(stat -c %s log)"
}

test_init_reaps_and_passes_the_status()
{
	run --init -- sh -c 'echo $$; (sleep 0.2 & exec true) & wait; sleep 1; cat /proc/[0-9]*/status | grep -c "^State:.Z"; exit 9'
	expect_status 9
	expect_match "not process 1, no zombies" $'^[2-9][0-9]*\n0$' "$OUT"
}

test_defaults()
{
	# as many processors as the host, at most 4; half of its memory, at most 2 GiB
	local cpus

	nacre run --rootfs "$ROOTFS" -- sh -c 'nproc; sed -n "s/MemTotal: *\([0-9]*\) kB/\1/p" /proc/meminfo
		cat /proc/sys/kernel/hostname; ulimit -n; umask; pwd; grep NoNewPrivs /proc/self/status'
	cpus=$(nproc)
	expect_status 0
	expect_silent
	expect_match "machine and process" \
		"^$((cpus < 4 ? cpus : 4))"$'\n[0-9]+\n[0-9a-f]+\n1024\n0022\n/\nNoNewPrivs:\t1$' "$OUT"
}

test_log_and_log_format()
{
	"$NACRE" --log "$PWD/log" --log-format json "${E2E_ROOT[@]}" run --rootfs /no/where -- true > out 2> err
	expect_equal "status" 125 $?
	expect_match "standard error" '^nacre: .*/no/where' "$(cat err)"
	expect_match "the log" '^\{"level":"error","msg":".*/no/where.*","time":"[-0-9T:]+Z"\}$' "$(cat log)"
}

test_root_option()
{
	"$NACRE" --root "$PWD/state" run "${SMALL[@]}" -- echo hello > out 2> err
	STATUS=$? OUT=$(< out) ERR=$(< err)
	expect_success hello
	expect_equal "nothing stays in the state directory" "" "$(ls -A state)"
	[ -d state ] || failed "no state directory"
}

test_state_is_in_run_nacre_by_default()
{
	[ "$E2E_PLACE" = emulated ] || skip "this machine's $OWN_STATE may be in use"
	E2E_ROOT=()
	start_ready run "${SMALL[@]}" --name nacre-e2e-default -- sh -c 'echo ready; exec sleep 1000'
	[ -e "$OWN_STATE/nacre-e2e-default/state.json" ] || failed "no state there: $(find "$OWN_STATE")"
	expect_equal "processes in its cgroup" 3 "$(helpers_in "$OWN_CGROUPS/nacre/nacre-e2e-default" | wc -l)"
	kill -KILL "$(process_named nacre-vmm)"
	finish
	expect_equal "what is left there" "" "$(ls -A "$OWN_STATE")"
	[ ! -d "$OWN_CGROUPS/nacre/nacre-e2e-default" ] || failed "the cgroup is left"
}

# A machine with nothing but a kernel and the C library; and the files that say which ids an ordinary user has.
test_a_host_without_etc_var_home_and_modules()
{
	mkdir kept
	[ -z "${E2E_USER-}" ] || cp /etc/{passwd,group,subuid,subgid} kept/
	"${AS_ROOT[@]}" unshare -m sh -c 'for d in /etc /var /home /lib/modules; do
			[ ! -d $d ] || mount -t tmpfs none $d || exit 1
		done
		[ ! -e /etc/passwd ] || exit 1
		cp -r kept/. /etc
		cd / && exec env -i "$@"' - "$NACRE" run "${SMALL[@]}" -- echo works > out 2> err < /dev/null
	STATUS=$?
	take_output
	expect_success works
}

run_subject "$@"
