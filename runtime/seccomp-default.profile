# SPDX-License-Identifier: Apache-2.0
#
# The system calls of a container that brings no configuration of its own (nacre run --rootfs): in
# effect what Docker's default profile leaves. tools/mkprofile compiles this file to a table;
# runtime/seccomp_default.c makes the container's profile of it.
#
# A group begins at the margin: its action, then perhaps "with CAP" or "without CAP" (the group counts
# only when the bounding set has, or lacks, that capability), and behind '#' the reason. Its system
# calls are indented; one with a condition on an argument stands alone on its line. What no group
# names answers EPERM. Names that an architecture does not have are skipped. Under every profile lies
# the base filter of runtime/seccomp_compile.c: no AF_VSOCK, no io_uring, no foreign ABI.

allow	# files by name: permissions, mounts and the user namespace decide, not the call
	access chdir chmod chown creat faccessat faccessat2 fchmodat fchmodat2 fchownat futimesat
	getcwd getxattr lchown lgetxattr link linkat listxattr llistxattr lremovexattr lsetxattr
	lstat mkdir mkdirat mknod mknodat name_to_handle_at newfstatat open openat openat2 readlink
	readlinkat removexattr rename renameat renameat2 rmdir setxattr stat statfs statx symlink
	symlinkat truncate unlink unlinkat utime utimensat utimes

allow	# open files: the right was checked when they were opened
	close close_range copy_file_range dup dup2 dup3 fadvise64 fallocate fchdir fchmod fchown
	fcntl fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync
	ftruncate getdents getdents64 ioctl lseek pread64 preadv preadv2 pwrite64 pwritev pwritev2
	read readahead readv sendfile splice sync sync_file_range sync_file_range2 syncfs tee umask
	vmsplice write writev

allow	# memory of the process itself
	brk cachestat madvise map_shadow_stack membarrier memfd_create memfd_secret mincore mlock
	mlock2 mlockall mmap mprotect mremap mseal msync munlock munlockall munmap pkey_alloc
	pkey_free pkey_mprotect process_mrelease remap_file_pages

allow	# processes and threads, in the container's own pid namespace
	arch_prctl execve execveat exit exit_group fork futex futex_requeue futex_wait futex_waitv
	futex_wake get_robust_list get_thread_area getcpu getpgid getpgrp getpid getppid getsid
	gettid modify_ldt pidfd_open pidfd_send_signal prctl restart_syscall rseq set_robust_list
	set_thread_area set_tid_address setpgid setsid vfork wait4 waitid

allow	# a debugger: Yama and the user namespace keep it to the container's processes
	process_vm_readv process_vm_writev ptrace

allow	# threads and processes, but no new namespace: CLONE_NEW{NS,CGROUP,UTS,IPC,USER,PID,NET}
	clone arg0 & 0x7e020000 == 0

ENOSYS without CAP_SYS_ADMIN	# its flags are in memory, where no filter sees them: libc falls back
	clone3

allow	# personalities of Linux: none, 32-bit addresses' layout, and asking; no READ_IMPLIES_EXEC
	personality arg0 == 0x0
	personality arg0 == 0x8
	personality arg0 == 0x20000
	personality arg0 == 0x20008
	personality arg0 == 0xffffffff

allow	# signals
	kill pause rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
	rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sigaltstack signalfd signalfd4 tgkill tkill

allow	# time and timers: reading clocks; setting takes CAP_SYS_TIME, which adjtimex checks itself
	adjtimex alarm clock_adjtime clock_getres clock_gettime clock_nanosleep getitimer gettimeofday
	nanosleep setitimer time timer_create timer_delete timer_getoverrun timer_gettime
	timer_settime timerfd_create timerfd_gettime timerfd_settime times

allow	# waiting for events
	epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
	epoll_wait_old eventfd eventfd2 fanotify_mark inotify_add_watch inotify_init inotify_init1
	inotify_rm_watch poll ppoll pselect6 select

allow	# asynchronous I/O of the old kind; io_uring is missing, see the base filter
	io_cancel io_destroy io_getevents io_pgetevents io_setup io_submit

allow	# sockets of every family that the container's network namespace bounds
	accept accept4 bind connect getpeername getsockname getsockopt listen pipe pipe2 recvfrom
	recvmmsg recvmsg sendmmsg sendmsg sendto setsockopt shutdown socket socketpair

allow	# System V and POSIX IPC, in the container's own ipc namespace
	mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv
	msgsnd semctl semget semop semtimedop shmat shmctl shmdt shmget

allow	# users, groups, capabilities: within the bounding set and the user namespace
	capget capset getegid geteuid getgid getgroups getresgid getresuid getuid setfsgid setfsuid
	setgid setgroups setregid setresgid setresuid setreuid setuid

allow	# limits and scheduling: the container's cgroup bounds what they can do
	getpriority getrlimit getrusage ioprio_get ioprio_set prlimit64 sched_get_priority_max
	sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
	sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam sched_setscheduler
	sched_yield setpriority setrlimit

allow	# giving up rights further
	landlock_add_rule landlock_create_ruleset landlock_restrict_self seccomp

allow	# about the system, and randomness
	getrandom sysinfo uname

allow with CAP_SYS_CHROOT	# Docker keeps the capability by default
	chroot
allow with CAP_DAC_READ_SEARCH	# opens by handle, past directories
	open_by_handle_at
allow with CAP_SYS_ADMIN	# whoever is given this capability asks for these calls
	bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount
	mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname
	sethostname setns syslog umount2 unshare
allow with CAP_SYS_BOOT	# still only with the capability in the first user namespace
	reboot
allow with CAP_SYS_MODULE	# the same
	delete_module finit_module init_module
allow with CAP_SYS_PACCT	# the same
	acct
allow with CAP_SYS_PTRACE	# more of the same than ptrace
	kcmp pidfd_getfd process_madvise
allow with CAP_SYS_RAWIO	# still only with the capability in the first user namespace
	ioperm iopl
allow with CAP_SYS_TIME	# the same
	clock_settime settimeofday
allow with CAP_SYS_TTY_CONFIG	# the same
	vhangup
allow with CAP_SYS_NICE	# placement of memory
	get_mempolicy mbind set_mempolicy set_mempolicy_home_node
allow with CAP_SYSLOG	# the kernel's log
	syslog
allow with CAP_BPF	# the kernel checks it in the first user namespace
	bpf
allow with CAP_PERFMON	# the same
	perf_event_open
