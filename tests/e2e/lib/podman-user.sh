# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Driving podman as an ordinary user, nacre-joe, with everything of the user's below $JOE.

# shellcheck source-path=SCRIPTDIR source=podman-does.sh
. "$E2E_DIR/lib/podman-does.sh"

JOE=$E2E_TOP/$SUBJECT/test
JOE_RUN=/run/user/3000

user_is_ready()
{
	[ "$E2E_PLACE" = emulated ] || skip "adds a user"
	need_command newuidmap useradd runuser podman conmon
	chmod 755 "$E2E_TOP" "$E2E_WORK" .
	[ ! -e "$JOE/ready" ] || return 0
	add_user
	mkdir -p "$JOE/home" "$JOE/tree"
	accept_any_image
	cat > "$JOE/containers.conf" <<- EOF
		[containers]
		log_driver="k8s-file"
		netns="none"
		[engine]
		runtime_supports_json=["crun", "nacre"]
		runtime_supports_nocgroup=["crun", "nacre"]
		[engine.runtimes]
		${RUNTIME##*/}=["$(command -v "$RUNTIME")"]
	EOF
	cp -a "$ROOTFS/." "$JOE/tree"
	tar -C "$ROOTFS" -cf "$JOE/image.tar" .
	chmod 755 "${JOE%/*}" "$JOE"
	chown -R "$E2E_JOE:" "$JOE" $JOE_RUN
	in_podman import --quiet "$JOE/image.tar" localhost/busybox > /dev/null || give_up "podman import failed"
	: > "$JOE/ready"
}

in_podman()	# ARGUMENT…
{
	runuser -u nacre-joe -- env -C / XDG_RUNTIME_DIR=$JOE_RUN HOME="$JOE/home" \
		CONTAINERS_CONF="$JOE/containers.conf" podman --root "$JOE/root" --runroot "$JOE/run" \
		--tmpdir "$JOE/tmp" --storage-driver vfs --cgroup-manager cgroupfs \
		--events-backend file --runtime "${RUNTIME##*/}" "$@"
}

# After the subject's last test: the process that keeps the user namespace ends.
user_is_done()
{
	local file

	for file in $JOE_RUN/libpod/tmp/pause.pid "$JOE/tmp/pause.pid"; do
		[ ! -s "$file" ] || kill "$(< "$file")"
	done
	rm -rf --one-file-system "$JOE" $JOE_RUN/libpod
}
