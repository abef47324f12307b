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

// Registers as the kernel saves them on amd64: the ABI of ptrace.
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct thread_struct {
	unsigned long fsbase;
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
};

struct probe {
	__u32 options;
	__u32 most; // how often it is told of; 0 = always
	__u32 told;
	__u32 pad;
};

struct {
	__uint(type, RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

struct {
	__uint(type, ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe);
} probes SEC(".maps");

const volatile __s64 goid_at = -1; // offset of goid in a g; negative = unknown
const volatile __s64 g_at = -8;    // where a thread's g is, from fs on

const volatile __u32 quiet = 0;    // wake nobody who reads before there is much to read

__u32 starter = 0; // the thread whose next child is the program
__u32 target = 0;  // the program, once it has begun
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

static __always_inline struct event *reserve(__u64 size, __u32 kind, __u32 id)
{
	struct event *e = bpf_ringbuf_reserve(&events, size, 0);
	if (!e) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	e->time = bpf_ktime_get_ns();
	e->goid = 0;
	e->tid = (__u32)bpf_get_current_pid_tgid();
	e->id = id;
	e->kind = kind;
	e->flags = NO_GOROUTINE;
	return e;
}

enum { AVAILABLE = 0, SIZE = 1, NO_WAKEUP = 1, FORCE_WAKEUP = 2 }; // BPF_RB_… of linux/bpf.h

// submit hands an event to the reader. Whoever wakes up for it may take the
// processor away from the program.
static __always_inline void submit(void *e)
{
	__u64 how = 0;
	if (quiet)
		how = bpf_ringbuf_query(&events, AVAILABLE) < bpf_ringbuf_query(&events, SIZE) / 2 ? NO_WAKEUP : FORCE_WAKEUP;
	bpf_ringbuf_submit(e, how);
}

SEC("tp_btf/sched_process_exec")
int begun(__u64 *ctx)
{
	struct task_struct *task = (void *)ctx[0];
	if (!starter || target || task->real_parent->pid != starter)
		return 0;
	target = task->tgid;
	struct event *e = reserve(sizeof(*e), EXEC, 0);
	if (e)
		submit(e);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int ended(__u64 *ctx)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;
	if (!target || tgid != target)
		return 0;
	struct event *e = reserve(sizeof(*e), EXIT, tgid);
	if (e)
		submit(e);
	return 0;
}

SEC("tp_btf/sys_enter")
int called(__u64 *ctx)
{
	if (!target || bpf_get_current_pid_tgid() >> 32 != target)
		return 0;
	struct pt_regs *regs = (void *)ctx[0];
	struct call *c = bpf_ringbuf_reserve(&events, sizeof(*c), 0);
	if (!c) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	c->event.time = bpf_ktime_get_ns();
	c->event.goid = 0;
	c->event.tid = (__u32)bpf_get_current_pid_tgid();
	c->event.id = ctx[1];
	c->event.kind = SYSCALL;
	c->event.flags = NO_GOROUTINE;
	c->args[0] = regs->di;
	c->args[1] = regs->si;
	c->args[2] = regs->dx;
	c->args[3] = regs->r10;
	c->args[4] = regs->r8;
	c->args[5] = regs->r9;
	submit(c);
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

static __always_inline int pass(struct pt_regs *regs)
{
	__u64 who = bpf_get_current_pid_tgid();
	if (!target || who >> 32 != target)
		return 0;
	__u32 id = bpf_get_attach_cookie(regs);
	struct probe *p = bpf_map_lookup_elem(&probes, &id);
	if (!p || ((p->options & FIRST_THREAD) && (__u32)who != target))
		return 0;
	// Taken means below or equal: carry (bit 0) or zero (bit 6).
	__u32 again = (p->options & CHECKS_STACK) && (regs->flags & 0x41) ? AGAIN : 0;
	if (p->most) {
		if (p->told >= p->most)
			return 0;
		if (!again)
			__sync_fetch_and_add(&p->told, 1);
	}
	struct event *e = reserve(sizeof(*e), PASSED, id);
	if (!e)
		return 0;
	__u64 number = 0;
	e->flags = again;
	if (goid(&number))
		e->goid = number;
	else
		e->flags |= NO_GOROUTINE;
	submit(e);
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
