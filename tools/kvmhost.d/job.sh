# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Part of kvmhost: the second initramfs, which belongs to one run.
#
#   job/      what init and agent read (see init)
#   hot/N     content of --hot paths
#   copied/   --deterministic: the whole root file system
#   modules/  modules named with --module
#
# The kernel unpacks it over the first one.

# What --out needs of 9p in --deterministic.
MODULES_SHARE="9pnet_virtio 9p"

# Directories of the caller's machine that a tmpfs covers in the emulated host.
is_hidden()	# PATH
{
	case $1/ in
	/tmp/?* | /run/?* | /dev/?*) return 0 ;;
	*) return 1 ;;
	esac
}

make_job()
{
	local t=$RUN/t

	mkdir -p "$t/job" "$t/modules" "$t/hot"
	chmod 755 "$t"
	printf '%s\0' "$@" > "$t/job/argv"
	printf '%s\0' "$PWD" > "$t/job/cwd"
	write_env > "$t/job/env"
	echo "$RELEASE" > "$t/job/release"
	[ -z "$SCRATCH" ] || echo vda > "$t/job/scratch"
	write_out > "$t/job/out"
	[ -s "$t/job/out" ] || rm "$t/job/out"
	if [ -n "$DETERMINISTIC" ]; then
		echo deterministic > "$t/job/mode"
		make_copied_root "$t/copied" "$@"
	else
		echo host > "$t/job/mode"
		echo "$KERNEL/lib/modules/$RELEASE" > "$t/job/libmodules"
		show_directories "$t"
		copy_hot "$t" "$@"
	fi
	write_modules "$t"
	check_job_size "$t"
	(cd "$t" && find . -print0 | cpio -0 -o -H newc --quiet) > "$RUN/job.cpio"
	rm -rf "$t"
	cat "$INITRD" "$RUN/job.cpio" > "$RUN/initrd"
	rm "$RUN/job.cpio"
}

write_env()
{
	local name

	for name in PATH HOME TERM LANG CI "${!NACRE_@}"; do
		if [ -n "${!name+set}" ]; then
			printf '%s=%s\0' "$name" "${!name}"
		fi
	done
	printf 'NACRE_KVMHOST=%s\0' "${DETERMINISTIC:-emulated}"
	[ -z "$SCRATCH" ] || printf 'NACRE_SCRATCH=/scratch\0'
	[ "${#ENVS[@]}" = 0 ] || printf '%s\0' "${ENVS[@]}"
}

write_out()
{
	local i

	for i in "${!OUTS[@]}"; do
		echo "out$i ${OUTS[i]}"
	done
}

write_modules()	# JOBTREE
{
	local names=$MODULES_BASE f

	if [ -z "$DETERMINISTIC" ]; then
		names+=" $MODULES_HOST"
	elif [ "${#OUTS[@]}" -gt 0 ]; then
		names+=" $MODULES_SHARE"
	fi
	[ -z "$SCRATCH" ] || names+=" $MODULES_SCRATCH"
	# shellcheck disable=SC2086
	module_files $names "${MODULES[@]}" > "$RUN/modules"
	while IFS= read -r f; do
		[ "${#MODULES[@]}" = 0 ] || cp "$f" "$1/modules/"
		echo "${f##*/}"
	done < "$RUN/modules" > "$1/job/modules"
}

show_directories()	# JOBTREE
{
	! is_hidden "$PWD" || echo "$PWD" > "$1/job/show"
}

# A COMMAND that a tmpfs would cover counts as named with --hot.
copy_hot()	# JOBTREE COMMAND...
{
	local i command paths=("${HOTS[@]}")

	command=$(type -P -- "$2") && command=$(realpath "$command") || command=
	if [ -n "$command" ] && is_hidden "$command"; then
		paths+=("$command")
	fi
	for i in "${!paths[@]}"; do
		copy_content "${paths[i]}" "$1/hot/$i"
		echo "$i ${paths[i]}" >> "$1/job/hot"
	done
}

copy_content()	# FROM TO
{
	if [ -d "$1" ]; then
		mkdir -p "$2"
		cp -a "$1/." "$2/" || die "cannot copy $1"
	else
		cp --preserve=all -L "$1" "$2" || die "cannot copy $1"
	fi
}

# The root file system of --deterministic.  It holds, and holds only:
# - the caller's links /bin, /sbin, /lib… -> usr/…
# - bash, with /bin/sh naming it; a static busybox with links for its applets
# - the --hot paths and COMMAND (and a script's interpreter), with the shared
#   libraries that ldd names for each program among them
# - /etc: passwd, group, hosts, nsswitch.conf, ld.so.cache, ld.so.conf*, subuid,
#   subgid, and the directories /etc /root /home /var/tmp and the working one
make_copied_root()	# DIR COMMAND...
{
	local root=$1 command f

	mkdir -p "$root"
	copy_top_links "$root"
	mkdir -p "$root"/{etc,root,home,var/tmp,usr/bin,scratch,"$PWD"}
	chmod 1777 "$root/var/tmp"
	for f in passwd group hosts nsswitch.conf ld.so.cache ld.so.conf ld.so.conf.d subuid subgid; do
		[ ! -e "/etc/$f" ] || cp -a "/etc/$f" "$root/etc/"
	done
	copy_with_libraries "$root" "$(type -P bash)"
	ln -sf bash "$root/usr/bin/sh"
	[ -e "$root/bin" ] || ln -s usr/bin "$root/bin"
	for f in "${HOTS[@]}"; do
		copy_with_libraries "$root" "$f"
	done
	command=$(type -P -- "$2") || die "$2: command not found"
	copy_command "$root" "$command"
	add_busybox "$root"
}

copy_command()	# ROOT FILE
{
	local interpreter

	copy_with_libraries "$1" "$2"
	interpreter=$(head -c 256 "$2" | tr -d '\0' | sed -n '1s/^#! *\([^ ]*\).*/\1/p')
	[ -z "$interpreter" ] || copy_with_libraries "$1" "$interpreter"
}

copy_top_links()	# ROOT
{
	local l target

	for l in /*; do
		target=$(readlink "$l") || continue
		case $target in
		usr/*)
			mkdir -p "$1/$target"
			ln -s "$target" "$1$l"
			;;
		esac
	done
}

# Applets where nothing of that name is yet.
add_busybox()	# ROOT
{
	local busybox applet

	busybox=$(static_busybox)
	cp "$busybox" "$1/usr/bin/busybox"
	for applet in $("$busybox" --list); do
		[ -e "$1/usr/bin/$applet" ] || [ -L "$1/usr/bin/$applet" ] ||
			ln -s busybox "$1/usr/bin/$applet"
	done
}

# The name that was given leads to the file, whatever links were on the way.
copy_with_libraries()	# ROOT PATH
{
	local path f

	path=$(realpath -s "$2")
	copy_into "$1" "$path"
	while IFS= read -r -d '' f; do
		is_elf "$f" || continue
		while IFS= read -r f; do
			[ -e "$1$f" ] || copy_into "$1" "$f"
		done < <(libraries_of "$f")
	done < <(find -L "$path" -type f -print0 2> /dev/null)
}

is_elf()
{
	[ "$(head -c 4 "$1" | tr -d '\0')" = $'\177ELF' ]
}

libraries_of()
{
	{ ldd "$1" 2> /dev/null || true; } | sed -n 's/^.*=> \(\/[^ ]*\) (0x.*/\1/p; s/^\t\(\/[^ ]*\) (0x.*/\1/p'
}

copy_into()	# ROOT PATH
{
	local dir

	dir=$(dirname "$2")
	mkdir -p "$1$dir"
	[ ! -d "$2" ] || [ -d "$1$2" ] || mkdir -p "$1$2"
	copy_content "$2" "$1$2"
}

check_job_size()	# JOBTREE
{
	local kib

	kib=$(du -sk --apparent-size "$1" | cut -f 1)
	[ "$kib" -le $((MEMORY_MIB * 1024 / 3)) ] ||
		die "$((kib / 1024)) MiB of hot files need more than --memory ${MEMORY_MIB}M (three times as much)"
}
