// Rt0lab checks by execution what is written about how a Go program starts.
package main

import (
	"embed"
	"os"

	"github.com/rt0lab/rt0lab/runner/cli"
)

//go:embed labs fixtures scripts
var data embed.FS

func main() { os.Exit(cli.Run(os.Args, os.Stdin, os.Stdout, os.Stderr, data)) }
