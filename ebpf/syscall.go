package ebpf

import "strconv"

// SyscallName names a system call of linux/amd64 as the kernel does: "mmap",
// or "syscall 999" for one that has no name here.
func SyscallName(number int) string {
	if name, ok := syscallNames[number]; ok {
		return name
	}
	return "syscall " + strconv.Itoa(number)
}

// IsSyscall reports whether linux/amd64 has a system call of that name.
func IsSyscall(name string) bool {
	for _, n := range syscallNames {
		if n == name {
			return true
		}
	}
	return false
}
