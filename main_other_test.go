//go:build !linux

package main

import "github.com/rogpeppe/go-internal/testscript"

// Elsewhere scripts see exit statuses, messages and files, and no processes.
var helpers = map[string]func(){}

func interrupt(ts *testscript.TestScript, _ bool, _ []string) { ts.Fatalf("interrupt needs Linux") }

func wraps(string) bool { return false }

func mayTrace() bool { return false }
