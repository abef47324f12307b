package startup

import (
	"os"
	"os/user"
	"slices"
	"strconv"
	"strings"
)

// Output is where a program writes to: an open file, or nothing.
type Output = *os.File

// User is who runs a program.
type User struct {
	Name     string // "" = whoever runs this process
	Uid, Gid uint32
	Groups   []uint32
	Home     string
}

// Invoker is the user on whose behalf this process runs: the one who called sudo,
// or nobody else than who runs it already.
func Invoker() User {
	uid, gid := os.Getenv("SUDO_UID"), os.Getenv("SUDO_GID")
	if os.Geteuid() != 0 || uid == "" || uid == "0" {
		return User{}
	}
	id, err := strconv.ParseUint(uid, 10, 32)
	if err != nil {
		return User{}
	}
	group, err := strconv.ParseUint(gid, 10, 32)
	if err != nil {
		group = id
	}
	u := User{Name: os.Getenv("SUDO_USER"), Uid: uint32(id), Gid: uint32(group), Groups: []uint32{uint32(group)}}
	if u.Name == "" {
		u.Name = "user " + uid
	}
	known, err := user.LookupId(uid)
	if err != nil {
		return u // a number without a name may run programs, too
	}
	u.Name, u.Home = known.Username, known.HomeDir
	if ids, err := known.GroupIds(); err == nil {
		u.Groups = nil
		for _, text := range ids {
			if n, err := strconv.ParseUint(text, 10, 32); err == nil {
				u.Groups = append(u.Groups, uint32(n))
			}
		}
	}
	return u
}

// environment is the program's: what sudo has put into this process's is not the user's.
func (p Program) environment() []string {
	env := p.Env
	if env == nil {
		env = os.Environ()
	}
	if p.As.Name == "" {
		return env
	}
	env = slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		return strings.HasPrefix(name, "SUDO_") || name == "USER" || name == "LOGNAME" || name == "HOME" && p.As.Home != ""
	})
	env = append(env, "USER="+p.As.Name, "LOGNAME="+p.As.Name)
	if p.As.Home != "" {
		env = append(env, "HOME="+p.As.Home)
	}
	return env
}
