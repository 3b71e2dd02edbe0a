# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# An ordinary user who may open /dev/kvm. Only where the machine is thrown away: a user is added.

E2E_JOE=nacre-joe

add_user()
{
	id -u "$E2E_JOE" > /dev/null 2>&1 || useradd -m -u 3000 "$E2E_JOE"
	chmod 666 /dev/kvm
	mkdir -p /run/user/3000
	chown "$E2E_JOE:" /run/user/3000
}

# A program at FILE that is nacre, started by the user. It keeps its process, streams and signals.
write_as_user()	# FILE NACRE
{
	cat > "$1" <<- END
		#!/bin/sh
		HOME=/home/$E2E_JOE XDG_RUNTIME_DIR=/run/user/3000 exec setpriv --reuid $E2E_JOE --regid $E2E_JOE --init-groups "$2" "\$@"
	END
	chmod 755 "$1"
}
