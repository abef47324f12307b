package startup

// Boot returns the milestones of the way to main.main, whatever release built
// the program: what a release does not have, or has inlined away, is Missing.
func Boot() []Milestone {
	return []Milestone{
		{Name: "entry", What: "first instruction of the file, or of what links it in"},
		// Its own first cheap instruction is behind CPUID, which takes 10 µs in a virtual machine. Where C begins, main jumps there.
		{Name: "runtime.rt0_go", Stops: []string{"_rt0_amd64: JMP runtime.rt0_go", "main: JMP runtime.rt0_go", "runtime.rt0_go"}, Any: true, What: "stack, CPU, thread-local storage"},
		{Name: "x_cgo_init", What: "cgo takes the first thread over"},
		{Name: "runtime.check", By: "runtime.rt0_go", What: "the compiler is as the runtime expects it"},
		{Name: "runtime.args", By: "runtime.rt0_go", What: "argc, argv, auxiliary vector"},
		{Name: "runtime.vdsoInitFromSysinfoEhdr", By: "runtime.vdsoauxv", Stops: []string{"runtime.vdsoInitFromSysinfoEhdr", "runtime.vdso_init_from_sysinfo_ehdr"}, What: "the clock that needs no system call"},
		{Name: "runtime.osinit", By: "runtime.rt0_go", What: "CPUs, page size"},
		{Name: "runtime.getHugePageSize", By: "runtime.osinit", What: "the kernel is asked for the size of huge pages"},
		{Name: "runtime.schedinit", By: "runtime.rt0_go", What: "the scheduler and all below it"},
		{Name: "runtime.moduledataverify", By: "runtime.schedinit", Stops: []string{"runtime.moduledataverify", "runtime.moduledataverify1"}, What: "the tables of the linker are sound"},
		{Name: "runtime.stackinit", By: "runtime.schedinit", What: "pools of stacks"},
		{Name: "runtime.mallocinit", By: "runtime.schedinit", What: "the heap"},
		{Name: "runtime.cpuinit", By: "runtime.schedinit", Stops: []string{"runtime.cpuinit", "internal/cpu.Initialize"}, What: "features of the CPU"},
		{Name: "runtime.randinit", By: "runtime.schedinit", Stops: []string{"runtime.randinit", "runtime.fastrandinit"}, What: "random numbers"},
		{Name: "runtime.alginit", By: "runtime.schedinit", What: "hash functions"},
		{Name: "runtime.mcommoninit", By: "runtime.schedinit", What: "m0 gets its number"},
		{Name: "runtime.modulesinit", By: "runtime.schedinit", What: "list of modules"},
		{Name: "runtime.typelinksinit", By: "runtime.schedinit", What: "types of several modules"},
		{Name: "runtime.itabsinit", By: "runtime.schedinit", What: "table of interfaces"},
		{Name: "runtime.goargs", By: "runtime.schedinit", What: "os.Args"},
		{Name: "runtime.goenvs", By: "runtime.schedinit", Stops: []string{"runtime.goenvs", "runtime.goenvs_unix"}, What: "environment"},
		{Name: "runtime.parsedebugvars", By: "runtime.schedinit", Stops: []string{"runtime.parsedebugvars", "runtime.parseRuntimeDebugVars"}, What: "GODEBUG"},
		{Name: "runtime.gcinit", By: "runtime.schedinit", What: "the collector's state"},
		{Name: "runtime.defaultGOMAXPROCSInit", By: "runtime.schedinit", What: "the limits of the cgroup are read"},
		{Name: "runtime.procresize", By: "runtime.schedinit", What: "a P for each CPU"},
		{Name: "runtime.newproc", By: "runtime.rt0_go", What: "the main goroutine"},
		{Name: "runtime.mstart", By: "runtime.rt0_go", What: "m0 begins to schedule"},
		{Name: "runtime.initsig", By: "runtime.mstartm0", What: "handlers of signals"},
		{Name: "runtime.main", What: "the main goroutine runs"},
		{Name: "runtime.newm", By: "runtime.main.func1", What: "a thread is made, for sysmon"},
		{Name: "runtime.sysmon", What: "the watcher, on a thread of its own", Aside: true},
		{Name: "runtime.doInit", Stops: []string{"runtime.main: CALL runtime.doInit1", "runtime.main: CALL runtime.doInit", "runtime.main: CALL runtime.init", "runtime.doInit1", "runtime.doInit", "runtime.init"}, What: "the runtime's own init functions"},
		{Name: "runtime.gcenable", By: "runtime.main", What: "the collector's goroutines"},
		{Name: "inits", Stops: []string{"runtime.main: after CALL runtime.gcenable"}, What: "init functions of all other packages"},
		{Name: "main.init", Stops: []string{"main.init", "main.init.0"}, What: "init functions of main (up to 1.12: of all packages)"},
		{Name: "main.main", What: "the program itself"},
	}
}

// Names of the two ends.
const (
	begin = "exec"
	end   = "exit"
)
