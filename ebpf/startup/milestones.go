package startup

// Boot returns the milestones of the way to main.main, whatever release built
// the program: what a release does not have, or has inlined away, is Missing.
func Boot() []Milestone {
	return []Milestone{
		{Name: "entry", What: "first instruction of the file, or of what links it in"},
		// Its own first cheap instruction is behind CPUID, which takes 10 µs in a virtual machine. Where C begins, main jumps there.
		{Name: "runtime.rt0_go", Stops: []string{"_rt0_amd64: JMP runtime.rt0_go", "main: JMP runtime.rt0_go", "runtime.rt0_go"}, Any: true, What: "stack, CPU, thread-local storage"},
		{Name: "x_cgo_init", What: "cgo takes the first thread over"},
		{Name: "runtime.check", What: "the compiler is as the runtime expects it"},
		{Name: "runtime.args", What: "argc, argv, auxiliary vector"},
		{Name: "runtime.osinit", What: "CPUs, page size"},
		{Name: "runtime.schedinit", What: "the scheduler and all below it"},
		{Name: "runtime.moduledataverify", Stops: []string{"runtime.moduledataverify", "runtime.moduledataverify1"}, What: "the tables of the linker are sound"},
		{Name: "runtime.stackinit", What: "pools of stacks"},
		{Name: "runtime.mallocinit", What: "the heap"},
		{Name: "runtime.cpuinit", Stops: []string{"runtime.cpuinit", "internal/cpu.Initialize"}, What: "features of the CPU"},
		{Name: "runtime.randinit", Stops: []string{"runtime.randinit", "runtime.fastrandinit"}, What: "random numbers"},
		{Name: "runtime.alginit", What: "hash functions"},
		{Name: "runtime.mcommoninit", Stops: []string{"runtime.schedinit: CALL runtime.mcommoninit", "runtime.mcommoninit"}, What: "m0 gets its number"},
		{Name: "runtime.modulesinit", What: "list of modules"},
		{Name: "runtime.typelinksinit", What: "types of several modules"},
		{Name: "runtime.itabsinit", What: "table of interfaces"},
		{Name: "runtime.goargs", What: "os.Args"},
		{Name: "runtime.goenvs", What: "environment"},
		{Name: "runtime.parsedebugvars", Stops: []string{"runtime.parsedebugvars", "runtime.parseRuntimeDebugVars"}, What: "GODEBUG"},
		{Name: "runtime.gcinit", What: "the collector's state"},
		{Name: "runtime.procresize", What: "a P for each CPU"},
		{Name: "runtime.newproc", Stops: []string{"runtime.rt0_go: CALL runtime.newproc", "runtime.newproc"}, What: "the main goroutine"},
		{Name: "runtime.mstart", Stops: []string{"runtime.rt0_go: CALL runtime.mstart", "runtime.mstart"}, What: "m0 begins to schedule"},
		{Name: "runtime.main", What: "the main goroutine runs"},
		{Name: "runtime.sysmon", What: "the watcher, on a thread of its own", Aside: true},
		{Name: "runtime.doInit", Stops: []string{"runtime.doInit1", "runtime.doInit", "runtime.init"}, What: "the runtime's own init functions"},
		{Name: "runtime.gcenable", What: "the collector's goroutines"},
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
