//go:build ignore

// What the kernel runs at the places of a starting program. It only takes
// notes; the program that loads it counts and judges.
//
// No vmlinux.h: the few kernel fields that are read are declared here and
// found on the running kernel through its BTF.

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#include <bpf/bpf_helpers.h>

char license_text[] SEC("license") = "Dual MIT/GPL";

enum { ARRAY = 2, RINGBUF = 27 }; // map types of linux/bpf.h
enum { MMAPABLE = 1 << 10 };      // BPF_F_MMAPABLE

// Registers as the kernel saves them on amd64: the ABI of ptrace.
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct thread_struct {
	unsigned long fsbase;
} __attribute__((preserve_access_index));

struct super_block {
	__u32 s_dev;
} __attribute__((preserve_access_index));

struct inode {
	unsigned long i_ino;
	struct super_block *i_sb;
} __attribute__((preserve_access_index));

struct file {
	struct inode *f_inode;
} __attribute__((preserve_access_index));

struct linux_binprm {
	struct file *file; // that is executed
} __attribute__((preserve_access_index));

struct task_struct {
	__s32 pid; // of the thread
	__s32 tgid;
	struct task_struct *real_parent; // the thread that forked it
	struct thread_struct thread;
} __attribute__((preserve_access_index));

enum kind { EXEC = 1, PASSED = 2, SYSCALL = 3, EXIT = 4 };

enum flag {
	AGAIN = 1,      // the branch to morestack is taken: the function is entered again
	NO_GOROUTINE = 2, // there is no goroutine, or its number cannot be read
};

struct event {
	__u64 time; // ns on the monotonic clock
	__u64 goid;
	__u32 tid;
	__u32 id; // PASSED: of the probe; SYSCALL: number; EXIT: of the process
	__u32 kind;
	__u32 flags;
};

struct call {
	struct event event;
	__u64 args[6];
};

enum option {
	FIRST_THREAD = 1, // tell only of the first thread
	CHECKS_STACK = 2, // stands at the JBE behind the comparison of the stack pointer
	LAST = 4,         // the program is killed there
	ONCE = 8,         // its first passing is noted here and not in the ring
};

struct probe {
	__u32 options;
	__u32 most; // how often it is told of; 0 = always
	__u32 told;
	__u32 pad;
	__u64 first; // ns on the monotonic clock; 0 = not passed
};

struct {
	__uint(type, RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

// The loader writes it through its memory: what it does right before the start, such as a
// system call for each probe, makes the start slower.
struct {
	__uint(type, ARRAY);
	__uint(map_flags, MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe);
} probes SEC(".maps");

const volatile __s64 goid_at = -1; // offset of goid in a g; negative = unknown
const volatile __s64 g_at = -8;    // where a thread's g is, from fs on

// Wake nobody who reads before there is much to read: one less than the power of two of events
// that are noted between two wakings; 0 = wake for each.
const volatile __u32 quiet = 0;

const volatile __u64 inode_is = 0; // of the file that the program must be; 0 = any
const volatile __u32 device_is = 0;

__u32 starter = 0; // the thread whose next child is the program
__u32 target = 0;  // the program, once it has begun
__u32 noted = 0;   // events, modulo 2^32; not counted unless quiet
__u64 lost = 0;    // events for which the ring had no room

// For bpf2go, which makes Go types of what BTF has: unused types are not there.
const struct event *unused_event __attribute__((unused));
const struct call *unused_call __attribute__((unused));
const struct probe *unused_probe __attribute__((unused));
const enum kind *unused_kind __attribute__((unused));
const enum flag *unused_flag __attribute__((unused));
const enum option *unused_option __attribute__((unused));

// mark notes who calls it, by its number in the first PID namespace, which
// the caller itself may not know. It is run by the loader, not attached.
SEC("raw_tp/mark")
int mark(void *ctx)
{
	target = 0;
	starter = (__u32)bpf_get_current_pid_tgid();
	return 0;
}

enum { NO_WAKEUP = 1, FORCE_WAKEUP = 2 }; // BPF_RB_… of linux/bpf.h

// note hands an event to the reader. Whoever wakes up for it may take the processor away from the
// program. It is one call of the kernel: what it copies is less than what a second call costs
// while nothing of it is in the caches.
static __always_inline void note(void *e, __u64 size)
{
	__u64 how = 0;
	if (quiet)
		how = (++noted & quiet) ? NO_WAKEUP : FORCE_WAKEUP; // two that count at once wake a little later
	if (bpf_ringbuf_output(&events, e, size, how))
		__sync_fetch_and_add(&lost, 1);
}

static __always_inline struct event event(__u64 who, __u32 kind, __u32 id)
{
	return (struct event){.time = bpf_ktime_get_ns(), .tid = (__u32)who, .id = id, .kind = kind, .flags = NO_GOROUTINE};
}

SEC("tp_btf/sched_process_exec")
int begun(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	if (!starter || target || task->real_parent->pid != starter)
		return 0;
	if (inode_is) {
		struct inode *inode = ((struct linux_binprm *)ctx[2])->file->f_inode;
		if (inode->i_ino != inode_is || inode->i_sb->s_dev != device_is)
			return 0;
	}
	target = task->tgid;
	struct event e = event(bpf_get_current_pid_tgid(), EXEC, 0);
	note(&e, sizeof(e));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int ended(__u64 *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	if (!target || who >> 32 != target)
		return 0;
	struct event e = event(who, EXIT, who >> 32);
	note(&e, sizeof(e));
	return 0;
}

SEC("tp_btf/sys_enter")
int called(__u64 *ctx)
{
	__u64 who = bpf_get_current_pid_tgid();
	if (!target || who >> 32 != target)
		return 0;
	struct pt_regs *regs = (void *)ctx[0];
	struct call c = {
		.event = event(who, SYSCALL, ctx[1]),
		.args = {regs->di, regs->si, regs->dx, regs->r10, regs->r8, regs->r9},
	};
	note(&c, sizeof(c));
	return 0;
}

// goid reads the number of the goroutine that runs: the thread's g is in its
// thread-local storage in every release; r14 holds it in Go code only, and only since 1.17.
static __always_inline int goid(__u64 *to)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 fs = 0, g = 0;
	if (goid_at < 0)
		return 0;
	if (bpf_probe_read_kernel(&fs, sizeof(fs), __builtin_preserve_access_index(&task->thread.fsbase)) || !fs)
		return 0;
	if (bpf_probe_read_user(&g, sizeof(g), (void *)(fs + g_at)) || !g)
		return 0;
	return bpf_probe_read_user(to, sizeof(*to), (void *)(g + goid_at)) == 0;
}

// tell notes a passing in the ring, unless it was told of often enough.
static __always_inline int tell(struct pt_regs *regs, __u64 who, __u32 id, struct probe *p)
{
	// Taken means below or equal: carry (bit 0) or zero (bit 6).
	__u32 again = (p->options & CHECKS_STACK) && (regs->flags & 0x41) ? AGAIN : 0;
	if (p->most) {
		if (p->told >= p->most)
			return 0;
		if (!again)
			__sync_fetch_and_add(&p->told, 1);
	}
	struct event e = event(who, PASSED, id);
	e.flags = again;
	if (!goid(&e.goid))
		e.flags |= NO_GOROUTINE;
	note(&e, sizeof(e));
	return 1;
}

static __always_inline int pass(struct pt_regs *regs)
{
	__u64 who = bpf_get_current_pid_tgid();
	if (!target || who >> 32 != target)
		return 0;
	__u32 id = bpf_get_attach_cookie(regs);
	struct probe *p = bpf_map_lookup_elem(&probes, &id);
	if (!p || ((p->options & FIRST_THREAD) && (__u32)who != target))
		return 0;
	if (p->options & ONCE) {
		// Two threads that pass at once may both write: what stays is some tens of nanoseconds late.
		if (p->first)
			return 0;
		p->first = bpf_ktime_get_ns();
	} else if (!tell(regs, who, id, p)) {
		return 0;
	}
	if (p->options & LAST)
		bpf_send_signal(9); // SIGKILL; it is there before the program runs on
	return 0;
}

SEC("uprobe.multi")
int passed_many(struct pt_regs *regs)
{
	return pass(regs);
}

SEC("uprobe")
int passed_one(struct pt_regs *regs)
{
	return pass(regs);
}
