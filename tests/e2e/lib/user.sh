# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An ordinary user who may open /dev/kvm. Only where the machine is thrown away: a user is added.
#
# as-user runs the tests as that user, with all of root's capabilities: what they make is the user's, and they see
# all that they see as root. nacre, which write_as_user's program starts, has none.

E2E_JOE=nacre-joe

add_user()
{
	id -u "$E2E_JOE" > /dev/null 2>&1 || useradd -m -u 3000 "$E2E_JOE"
	chmod 666 /dev/kvm
	mkdir -p /run/user/3000
	chown "$E2E_JOE:" /run/user/3000
}

# A cgroup as systemd delegates it to the user. Who starts nacre is in CGROUP/shell.
delegate_cgroup()	# CGROUP
{
	mkdir -p "$1/shell"
	chown "$E2E_JOE:" "$1" "$1"/cgroup.{procs,subtree_control,threads}
	chown -R "$E2E_JOE:" "$1/shell"
}

# A program at FILE that is nacre, started by the user. It keeps its process, streams and signals.
write_as_user()	# FILE NACRE
{
	cat > "$1" <<- END
		#!/bin/sh
		HOME=/home/$E2E_JOE XDG_RUNTIME_DIR=/run/user/3000 exec setpriv --reuid $E2E_JOE --regid $E2E_JOE \\
			--init-groups --inh-caps -all --ambient-caps -all "$2" "\$@"
	END
	chmod 755 "$1"
}

as_user_who_may_all()	# COMMAND…
{
	setpriv --reuid "$E2E_JOE" --regid "$E2E_JOE" --init-groups --inh-caps +all --ambient-caps +all "$@"
}

# The first subordinate id of the user: 1 in the container.
first_id()	# FILE
{
	sed -n "s/^$E2E_JOE:\([0-9]*\):.*/\1/p" "$1"
}

# Who on the host is UID:GID of a container that says nothing of its ids. SUBIDS names another file of them.
host_owner()	# UID GID
{
	local uid=$1 gid=$2

	if [ -n "${E2E_USER-}" ]; then
		uid=$((uid ? $(first_id "${SUBIDS:-/etc/subuid}") + uid - 1 : 3000))
		gid=$((gid ? $(first_id "${SUBIDS:-/etc/subgid}") + gid - 1 : 3000))
	fi
	echo "$uid:$gid"
}

# For programs that ask for user 0, whatever the capabilities are.
AS_ROOT=()
if [ -n "${E2E_USER-}" ]; then
	AS_ROOT=(setpriv --reuid 0 --regid 0 --clear-groups)
	mount() { "${AS_ROOT[@]}" mount "$@"; }
	umount() { "${AS_ROOT[@]}" umount "$@"; }
	crun() { "${AS_ROOT[@]}" crun "$@"; }
fi
