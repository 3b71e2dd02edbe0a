# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Starting containers, and finding what they left.
#
# From run-subjects: E2E_NACRE, a copy of the installation, so that its processes can be told from
# others.

# shellcheck source-path=SCRIPTDIR source=user.sh
. "$E2E_DIR/lib/user.sh"

NACRE=$E2E_NACRE/bin/nacre
ROOTFS=$E2E_NACRE/share/nacre/rootfs
SPEC=$E2E_BUILD/e2e/spec.json
CGROUPS=/sys/fs/cgroup
# Below these are the cgroups and, without --root, the state of who starts nacre.
OWN_CGROUPS=$CGROUPS
OWN_STATE=/run/nacre
if [ -n "${E2E_USER-}" ]; then
	NACRE=$E2E_NACRE/as-user
	OWN_CGROUPS=$CGROUPS/$E2E_USER
	OWN_STATE=/run/user/3000/nacre
fi
# NACRE_TEST_RUNTIME=crun has the tests of some subjects run with another runtime.
RUNTIME=${NACRE_TEST_RUNTIME:-$NACRE}
# State of this lane's own.
E2E_STATE=$E2E_WORK/state
E2E_ROOT=(--root "$E2E_STATE")

is_nacre()
{
	[ "$RUNTIME" = "$NACRE" ]
}

only_nacre()	# WHY… : what another runtime does not promise, or cannot
{
	is_nacre || skip "of nacre alone: $*"
}

PROGRAMS=(bin/nacre libexec/nacre/nacre-monitor libexec/nacre/nacre-vmm libexec/nacre/nacre-fsd)
PROGRAM_NAMES='nacre*'
OTHERS_CGROUPS=''
if ! is_nacre; then
	# what its containers run, and how their cgroups' names begin
	PROGRAMS+=(share/nacre/rootfs/bin/busybox)
	PROGRAM_NAMES='*'
	OTHERS_CGROUPS=nacre-e2e-
fi

# What `nacre run` needs in small tests: little memory, the built-in image.
SMALL=(--memory 64M --cpus 1 --rootfs "$ROOTFS")

# --- running -----------------------------------------------------------------------------------

# Runs nacre to its end. Sets STATUS, OUT and ERR (without the line end); INPUT names its input.
nacre()	# ARGUMENT…
{
	"${NACRE_BIN:-$NACRE}" "${E2E_ROOT[@]}" "$@" < "${INPUT:-/dev/null}" > out 2> err
	STATUS=$?
	take_output
}

take_output()
{
	{
		OUT=$(< out)
		ERR=$(< err)
	} 2> /dev/null	# of bytes that are zero
}

# In the built-in image, with the smallest machine.
run()	# OPTION… -- COMMAND…
{
	nacre run "${SMALL[@]}" "$@"
}

# Starts nacre and goes on. Sets PID. What it writes goes to out and err; signals are as a shell
# leaves them for a program in the foreground (in the background it has SIGINT ignored).
start()	# ARGUMENT…
{
	: > out
	: > err
	env --default-signal=INT,QUIT "${NACRE_BIN:-$NACRE}" "${E2E_ROOT[@]}" "$@" \
		< "${INPUT:-/dev/null}" > out 2> err &
	PID=$!
}

# As start, and waits until the command in the container has written the line "ready".
start_ready()	# ARGUMENT…
{
	start "$@"
	wait_until $((10 * E2E_SLOW)) is_ready_or_gone
	if ! has_line out ready; then
		failed "the container did not start"
		show "$(< err)"
		kill -KILL "$PID" 2> /dev/null
		exit 1
	fi
}

is_ready_or_gone()
{
	has_line out ready || is_gone "$PID"
}

has_line()	# FILE LINE
{
	local line

	while IFS= read -r line; do
		[ "${line%$'\r'}" != "$2" ] || return 0
	done < "$1"
	return 1
}

is_gone()	# PID, also one of ours that waits to be reaped
{
	local stat

	{ read -r stat < "/proc/$1/stat"; } 2> /dev/null || return 0
	case ${stat##*) } in
	Z* | X*) return 0 ;;
	esac
	return 1
}

# Waits for what start began. Sets STATUS, OUT, ERR, and TOOK (milliseconds).
finish()	# [SECONDS]
{
	local begun

	begun=$(now_ms)
	if ! wait_until "${1:-20}" is_gone "$PID"; then
		failed "nacre did not end within ${1:-20} s"
		kill -KILL "$PID"
	fi
	wait "$PID"
	STATUS=$?
	# shellcheck disable=SC2034  # for the tests
	TOOK=$(($(now_ms) - begun))
	take_output
}

expect_status()	# NUMBER
{
	expect_equal "status $1" "$1" "$STATUS" || show "$ERR"
}

expect_out()	# TEXT
{
	expect_equal "standard output" "$1" "$OUT"
}

expect_silent()
{
	expect_equal "nothing on standard error" "" "$ERR"
}

expect_success()	# OUT
{
	expect_status 0
	expect_out "$1"
	expect_silent
}

# Exactly one line on standard error that matches.
expect_one_line()	# REGULAR-EXPRESSION
{
	expect_match "the reason on standard error" "$1" "$ERR"
	case $ERR in
	'' | *$'\n'*) expect_equal "one line on standard error" "(one line)" "$ERR" ;;
	esac
}

# That nacre says no before anything happens: status 125, one line, nothing left.
expect_refused()	# REGULAR-EXPRESSION ARGUMENT…
{
	local wanted=$1 left

	shift
	nacre "$@"
	expect_equal "status 125 from: nacre $*" 125 "$STATUS"
	expect_equal "nothing on standard output from: nacre $*" "" "$OUT"
	expect_match "the reason from: nacre $*" "$wanted" "$ERR"
	case $ERR in
	'' | *$'\n'*) expect_equal "one line from: nacre $*" "(one line)" "$ERR" ;;
	esac
	left=$(left_behind)
	expect_equal "nothing left behind by: nacre $*" "" "$left"
}

# An installation at ./hostile whose first program in the guest is one of guest/. Sets HOSTILE, its nacre.
hostile_tree()	# PROGRAM
{
	mkdir -p hostile
	cp -al "$E2E_NACRE"/{bin,libexec,share} hostile/
	rm hostile/libexec/nacre/nacre-init
	cp "$E2E_BUILD/e2e/guest/$1" hostile/libexec/nacre/nacre-init
	HOSTILE=$PWD/hostile/bin/nacre
	if [ -n "${E2E_USER-}" ]; then
		write_as_user hostile/as-user "$HOSTILE"
		HOSTILE=$PWD/hostile/as-user
	fi
}

# --- bundles -----------------------------------------------------------------------------------

# Makes ./bundle with runc's default configuration, but without a terminal, in the built-in image.
# The arguments are the command. edit changes the rest.
make_bundle()	# COMMAND [ARG…]
{
	local args='' arg

	mkdir -p bundle
	CONFIG=$(< "$SPEC")
	for arg in "$@"; do
		arg=${arg//\\/\\\\}
		arg=${arg//\"/\\\"}
		arg=${arg//$'\t'/\\t}
		args+="${args:+, }\"${arg//$'\n'/\\n}\""
	done
	edit '"terminal": true' '"terminal": false'
	edit '"args": ["sh"]' "\"args\": [$args]"
	edit '"path": "rootfs"' "\"path\": \"$ROOTFS\""
}

# Replaces a text in the configuration, which must be there, and writes config.json.
edit()	# OLD NEW
{
	local old=$1 new=$2

	case $CONFIG in
	*"$old"*) ;;
	*) failed "runc's configuration has no $old" ;;
	esac
	CONFIG=${CONFIG/"$old"/"$new"}
	printf '%s\n' "$CONFIG" > bundle/config.json
}

add_mount()	# JSON OBJECT
{
	edit '"mounts": [' "\"mounts\": [$1, "
}

# A Debian tree at ./debian, or at DIR, that takes changes and forgets them.
mount_debian()	# [DIR [TREE]]
{
	local dir=${1:-debian} lower=${2:-$E2E_DEBIAN}

	[ -d "$lower/usr" ] || skip "no Debian tree: $(cat "$lower.why")"
	mkdir -p "$dir" "$dir.tmpfs"
	if ! mount -t tmpfs nacre-e2e "$dir.tmpfs" || ! mkdir "$dir.tmpfs"/{upper,work} ||
		! mount -t overlay nacre-e2e "$dir" -o \
			"lowerdir=$lower,upperdir=$dir.tmpfs/upper,workdir=$dir.tmpfs/work"; then
		skip "cannot mount an overlay over $lower"
	fi
}

# --- what is there, and what is left ------------------------------------------------------------

# Our processes that run, or another runtime's containers', as lines "PID NAME".
processes()
{
	local comm dir program

	for dir in /proc/[0-9]*; do
		{ read -r comm < "$dir/comm"; } 2> /dev/null || continue
		# shellcheck disable=SC2053  # a pattern
		[[ $comm == $PROGRAM_NAMES ]] || continue
		is_gone "${dir#/proc/}" && continue
		for program in "${PROGRAMS[@]}"; do
			if [ "$dir/exe" -ef "$E2E_NACRE/$program" ]; then
				echo "${dir#/proc/} $comm"
				break
			fi
		done
	done
	is_nacre || processes_of_another
}

# Another runtime's own, which is any file of that machine: those with this lane's state, as "PID NAME".
processes_of_another()
{
	local file pid comm

	while IFS= read -r file; do
		pid=${file//[!0-9]/}
		{ read -r comm < "/proc/$pid/comm"; } 2> /dev/null && ! is_gone "$pid" && echo "$pid $comm"
	done < <(grep -lszxFf <(echo "$E2E_STATE") /proc/[0-9]*/cmdline)
}

process_named()	# NAME : its pid; the newest if there are several
{
	local pid comm found=''

	while read -r pid comm; do
		[ "$comm" != "$1" ] || found=$pid
	done < <(processes)
	echo "$found"
}

no_processes()
{
	[ -z "$(processes)" ]
}

# Mounts, state and cgroups: a line for each. What tests mount themselves is below their directory.
inventory()
{
	local line dir

	while IFS= read -r line; do
		case $line in
		*" $E2E_TOP"/*/test/*) ;;
		# podman's, of all its network namespaces
		*" /run/netns "* | *" /run/netns/"*) ;;
		# without the file system's own options: each mount of cgroup2 may change them for all
		*) echo "mount: ${line%% - *}" ;;
		esac
	done < /proc/self/mountinfo
	for dir in "$E2E_STATE"/* "$E2E_STATE"/.[!.]*; do
		[ ! -e "$dir" ] || echo "state: $dir"
	done
	for dir in "$OWN_CGROUPS"/nacre/*/ ${OTHERS_CGROUPS:+"$OWN_CGROUPS/$OTHERS_CGROUPS"*/}; do
		# it is removed before its state is: what is there still is nobody's
		[ ! -d "$dir" ] || is_in_use "$dir" || [ ! -d "$dir" ] || echo "cgroup: $dir"
	done
}

# A cgroup of a container that the other lane, or somebody else, runs: its state is there as long.
is_in_use()	# CGROUP
{
	local id=${1%/} dir

	id=${id##*/}
	id=${id%.[0-9]*}	# nacre's name for the second of a name
	# tests/kill in the other lane: it looks itself at what is left
	[ "$id" != kill ] || ! pgrep -x killer > /dev/null || return 0
	# also a state directory that a test asks for
	for dir in "$OWN_STATE" "$E2E_TOP"/*/state "$E2E_TOP"/*/test/state; do
		[ "$dir" = "$E2E_STATE" ] || [ ! -d "$dir/$id" ] || return 0
	done
	return 1
}

# Namespaces that some process is in, sorted.
namespaces()
{
	readlink /proc/[0-9]*/ns/* 2> /dev/null | sort -u
}

# How many virtual machines the kernel has; what each host has before the first test counts as well.
vms()
{
	find /sys/kernel/debug/kvm -mindepth 1 -maxdepth 1 -type d 2> /dev/null | wc -l
}

# Prints what is there now and was not before the suite. Processes get a moment to end.
left_behind()
{
	local line
	local -A before=()

	wait_until "$E2E_SLOW" no_processes || processes | sed 's/^/process: /'
	while IFS= read -r line; do
		before[$line]=1
	done < "$E2E_TOP/inventory"
	while IFS= read -r line; do
		[ -n "${before[$line]-}" ] || echo "$line"
	done < <(inventory)
}

# The names of what is in a cgroup, one a line, sorted; also of threads of the kernel, as KVM has one for a VM.
names_in()	# CGROUP
{
	local pid

	while read -r pid; do
		cat "/proc/$pid/comm" 2> /dev/null # it may be gone
	done < "$1/cgroup.procs" | sort
}

# Whether they are gone: the one that `nacre run` was called in has a thread of KVM's in it until the VM has ended.
remove_cgroups()	# CGROUP… : the innermost first
{
	rmdir "$@" 2> /dev/null
	[ ! -d "${!#}" ]
}

# Of nacre's processes alone.
helpers_in()	# CGROUP
{
	names_in "$1" | grep '^nacre'
}

# Ends and removes everything that a test left, so that the next one starts afresh.
clean_up()
{
	local line rest
	local -a points=()

	while read -r line rest; do
		kill -KILL "$line" 2> /dev/null
	done < <(processes)
	[ ! -S "$E2E_WORK/tmux" ] || tmux -S "$E2E_WORK/tmux" kill-server 2> /dev/null
	while read -r _ _ _ _ line rest; do
		case $line in
		"$E2E_WORK"/test/*) points=("$line" "${points[@]}") ;;
		esac
	done < /proc/self/mountinfo
	[ "${#points[@]}" = 0 ] || umount -l "${points[@]}"
	while IFS= read -r line; do
		case $line in
		"state: "*) rm -rf "${line#state: }" ;;
		"cgroup: "*) rmdir "${line#cgroup: }" 2> /dev/null ;;
		esac
	done < <(left_behind)
	[ ! -e "$E2E_WORK/test" ] || rm -rf --one-file-system "$E2E_WORK/test"
}
