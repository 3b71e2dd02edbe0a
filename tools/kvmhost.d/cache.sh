# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Part of kvmhost: what is built once and kept in the cache directory.
#
#   kernel-VERSION/   the distribution's kernel, unpacked: boot/vmlinuz-RELEASE,
#                     boot/vmlinux-RELEASE (the same, decompressed), lib/modules,
#                     and "release", which names it
#   kernel            link to the one in use
#   tools-HASH/       spin, relay and agent, compiled
#   initrd-HASH.cpio  busybox, modules, init and agent
#
# HASH covers the scripts and sources here (and the kernel's version).  All are
# made in a temporary name and renamed, under a lock.

# Modules that the initramfs loads in every run, and those for some options.
MODULES_BASE="virtio_pci virtio_console virtio_rng kvm_amd"
MODULES_HOST="9pnet_virtio 9p overlay"
MODULES_SCRATCH="virtio_blk ext4"

cache_dir()
{
	local base=${NACRE_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/nacre}

	mkdir -p "$base/kvmhost" 2> /dev/null || die "cannot make the cache directory $base/kvmhost"
	realpath "$base/kvmhost"
}

# Runs a function under the cache's lock; it must be fit to run twice.
with_cache_lock()
{
	local fd

	exec {fd}> "$CACHE/lock"
	flock "$fd"
	"$@"
	exec {fd}>&-
}

# A temporary name beside the final one; leftovers of killed runs go first.
cache_temp()
{
	rm -rf "$CACHE"/tmp.*
	mktemp -d "$CACHE/tmp.XXXXXX"
}

# Drop what no version of these scripts has used for a fortnight.
cache_prune()
{
	find "$CACHE" -maxdepth 1 \( -name 'tools-*' -o -name 'initrd-*' \) -mtime +14 \
		-exec rm -rf {} +
}

sources_hash()
{
	cat "$0" "$HERE"/kvmhost.d/* | sha256sum | cut -c 1-16
}

cc_static()
{
	if command -v musl-gcc > /dev/null; then
		musl-gcc -static "$@"
	else
		gcc -static "$@"
	fi
}

need_tools()
{
	TOOLS=$CACHE/tools-$(sources_hash)
	[ -d "$TOOLS" ] || with_cache_lock build_tools
}

build_tools()
{
	local tmp

	[ ! -d "$TOOLS" ] || return 0
	need_program gcc gcc
	cache_prune
	tmp=$(cache_temp)
	gcc -O2 -o "$tmp/spin" "$HERE/kvmhost.d/spin.c" ||
		die "spin.c does not compile (package linux-libc-dev?)"
	gcc -O2 -o "$tmp/relay" "$HERE/kvmhost.d/relay.c" || die "relay.c does not compile"
	cc_static -O2 -o "$tmp/agent" "$HERE/kvmhost.d/agent.c" || die "agent.c does not compile"
	chmod 755 "$tmp"
	mv -T "$tmp" "$TOOLS"
}

# Sets KERNEL (directory) and RELEASE.
need_kernel()
{
	if [ -n "$REFRESH" ] || [ ! -f "$CACHE/kernel/release" ]; then
		with_cache_lock build_kernel
	fi
	KERNEL=$(realpath "$CACHE/kernel")
	RELEASE=$(cat "$KERNEL/release")
}

# The package that the distribution's meta package stands for.
kernel_package()
{
	local p

	p=$(apt-cache depends linux-image-amd64 2> /dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[ -n "$p" ] || die "no kernel: apt does not know the package linux-image-amd64 (apt-get update?)"
	echo "$p"
}

build_kernel()
{
	local package version tmp

	need_program apt-get apt
	need_program dpkg dpkg
	need_program depmod kmod
	package=$(kernel_package)
	version=$(apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p' | head -n 1)
	if [ ! -f "$CACHE/kernel-$version/release" ]; then
		say "fetching the kernel package $package $version, once"
		tmp=$(cache_temp)
		fetch_kernel "$package" "$tmp"
		rm -rf "$CACHE/kernel-$version"
		mv -T "$tmp" "$CACHE/kernel-$version"
	fi
	ln -sfn "kernel-$version" "$CACHE/kernel.new"
	mv -T "$CACHE/kernel.new" "$CACHE/kernel"
}

fetch_kernel()	# PACKAGE DIR
{
	local release log

	log=$(cd "$2" && apt-get -q -o APT::Sandbox::User="$(id -un)" download "$1" 2>&1) ||
		die "cannot download the package $1: $(tail -n 1 <<< "$log")"
	dpkg -x "$2/$1"_*.deb "$2" || die "cannot unpack the package $1"
	rm -rf "${2:?}"/*.deb "${2:?}/usr"
	release=$(basename "$2"/lib/modules/*)
	depmod -b "$2" "$release" || die "depmod failed for $release"
	decompress_kernel "$2/boot/vmlinuz-$release" "$2/boot/vmlinux-$release" ||
		rm -f "$2/boot/vmlinux-$release"
	chmod 755 "$2"
	echo "$release" > "$2/release"
}

# The payload of a bzImage, at the place that its header states: an emulated
# processor takes seconds to decompress it at each boot.
decompress_kernel()	# VMLINUZ OUTPUT
{
	local sects offset len magic unpack

	sects=$(le_number "$1" $((0x1f1)) 1)
	offset=$(($(le_number "$1" $((0x248)) 4) + (sects + 1) * 512))
	len=$(le_number "$1" $((0x24c)) 4)
	magic=$(od -An -tx1 -j "$offset" -N 4 "$1" | tr -d ' ')
	case $magic in
	fd377a58) unpack="xz -dc" ;;
	28b52ffd) unpack="zstd -dcq" ;;
	1f8b*) unpack="gzip -dc" ;;
	*) return 1 ;;
	esac
	# The last four bytes of the payload are its length, no part of the stream.
	tail -c "+$((offset + 1))" "$1" | head -c "$((len - 4))" | $unpack > "$2"
	[ "$(od -An -tx1 -N 4 "$2" | tr -d ' ')" = 7f454c46 ]
}

le_number()	# FILE OFFSET BYTES
{
	od -An -t "u$3" -j "$2" -N "$3" --endian=little "$1" | tr -d ' '
}

# The files of modules and of what they depend on, in the order to load them.
module_files()	# NAME...
{
	local m

	for m in "$@"; do
		modprobe -d "$KERNEL" -S "$RELEASE" --show-depends "$m" ||
			die "no module $m in the kernel $RELEASE"
	done | sed -n 's/^insmod \([^ ]*\).*/\1/p' | awk '!seen[$0]++'
}

need_initrd()
{
	INITRD=$CACHE/initrd-$(sources_hash)-$(basename "$KERNEL").cpio
	[ -f "$INITRD" ] || with_cache_lock build_initrd
}

build_initrd()
{
	local tmp busybox

	[ ! -f "$INITRD" ] || return 0
	need_program cpio cpio
	busybox=$(static_busybox)
	tmp=$(cache_temp)
	mkdir -p "$tmp/t/bin" "$tmp/t/modules" "$tmp/t/dev"
	cp "$busybox" "$tmp/t/bin/busybox"
	cp "$HERE/kvmhost.d/init" "$tmp/t/init"
	cp "$TOOLS/agent" "$tmp/t/agent"
	chmod 755 "$tmp/t/init" "$tmp/t/agent" "$tmp/t"
	# shellcheck disable=SC2086
	module_files $MODULES_BASE $MODULES_HOST $MODULES_SCRATCH | xargs -I{} cp {} "$tmp/t/modules/"
	make_cpio "$tmp/t" > "$tmp/initrd"
	mv "$tmp/initrd" "$INITRD"
	rm -rf "$tmp"
}

make_cpio()	# DIR
{
	(cd "$1" && find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc -R 0:0 --quiet)
}

static_busybox()
{
	local f

	for f in $(dpkg -L busybox-static 2> /dev/null) /bin/busybox; do
		case $f in
		*/busybox)
			[ -x "$f" ] && ! ldd "$f" > /dev/null 2>&1 && echo "$f" && return
			;;
		esac
	done
	die "no static busybox (package busybox-static)"
}
