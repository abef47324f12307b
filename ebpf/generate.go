package ebpf

// The generated files are committed, so that building needs neither clang nor the
// headers of libbpf (apt install clang llvm libbpf-dev).
//go:generate go tool bpf2go -target amd64 -tags linux -cc clang -type event -type call -type probe -type kind -type flag -type option start start.c -- -O2 -g -Wall -Werror
//go:generate go run ./sysgen syscall_names.go
