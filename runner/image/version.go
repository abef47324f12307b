package image

import (
	"debug/buildinfo"
	"regexp"
	"strings"
)

var releaseText = regexp.MustCompile(`^(go1(\.\d+)*([a-z]+\d+)?|devel) ?`)

// System returns the GOOS and GOARCH the image was built for, as far as it
// tells: from its headers, or from the name of the Go entry ("_rt0_arm64_linux").
// An ELF file that names no system at all is taken for linux.
func (im *Image) System() (goos, goarch string) {
	goos, goarch = im.GOOS, im.GOARCH
	if goos != "" {
		return goos, goarch
	}
	if f, ok, err := im.FuncAt(im.Entry); err == nil && ok {
		if goos = rt0System(f.Name); goos != "" {
			return goos, goarch
		}
	}
	// Linked by another linker: the entry is C's.
	_ = im.funcs(func(f Func) bool {
		goos = rt0System(f.Name)
		return goos == ""
	})
	if goos == "" {
		goos = "linux"
	}
	return goos, goarch
}

// rt0System returns the system in "_rt0_amd64_linux" and "_rt0_amd64_linux_lib".
func rt0System(name string) string {
	parts := strings.Split(strings.TrimSuffix(name, "_lib"), "_")
	if len(parts) == 4 && parts[0] == "" && parts[1] == "rt0" {
		return parts[3]
	}
	return ""
}

// Release returns the Go release that linked the image, "go1.26.8", as the
// toolchain calls itself; "" when the image does not tell. Programs record it
// since 1.13; before, it is only in a variable of the runtime.
func (im *Image) Release() string {
	if info, err := buildinfo.Read(im.r); err == nil && releaseText.MatchString(info.GoVersion) {
		return info.GoVersion
	}
	s, ok, err := im.Symbol("runtime.buildVersion")
	if err != nil || !ok {
		return ""
	}
	text, err := im.Uint(s.Addr, im.ptr)
	if err != nil {
		return ""
	}
	n, err := im.Uint(s.Addr+uint64(im.ptr), im.ptr)
	if err != nil || n > 256 {
		return ""
	}
	b, err := im.Bytes(text, int(n))
	if err != nil || !releaseText.Match(b) {
		return ""
	}
	return string(b)
}
